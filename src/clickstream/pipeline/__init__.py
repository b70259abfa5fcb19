"""The work of the producer, the consumers and the indexers, and the session algebra they are built on."""
