"""The logs of all processes, for people."""
