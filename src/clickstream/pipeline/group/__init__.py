"""A member of a consumer group: the one loop that reads partitions, and what it wants of a sink."""
