"""Rejects: listed, sent again, discarded."""
