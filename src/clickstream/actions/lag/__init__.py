"""How far consumers and indexers are behind: now, over time, and why."""
