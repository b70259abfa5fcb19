"""Checks the stored sessions and the index against the stored events."""
