"""The search index: made ready, and searched."""
