"""Valkey: the saved windows, the heartbeat registry and the position history; through valkey-py.

A cache, never the truth.
"""
