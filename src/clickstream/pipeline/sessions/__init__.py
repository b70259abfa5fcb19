"""The session algebra: what a batch of events changes in sessions and in the figures of days. Pure."""
