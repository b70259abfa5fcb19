"""Valkey: the window of open sessions and the notice board; through valkey-py. A cache, never the truth."""
