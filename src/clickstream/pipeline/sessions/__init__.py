"""The session algebra: how a batch of events changes sessions and the figures of days. Pure."""
