"""The consumer: stores messages in PostgreSQL, exactly once."""
