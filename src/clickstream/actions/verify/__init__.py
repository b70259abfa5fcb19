"""Whether the stored sessions and the index are what the stored events say."""
