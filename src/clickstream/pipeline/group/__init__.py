"""A member of a consumer group: the one loop that reads partitions, and the protocol of its sinks."""
