"""Settings and paths: what the user configured and where things lie. Knows no other room."""
