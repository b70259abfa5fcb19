"""The file of events: what is in it, and generating one."""
