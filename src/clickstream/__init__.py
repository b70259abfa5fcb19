"""clickstream: shop events from a CSV file through Kafka into PostgreSQL, exactly once, with exact sessions."""

__version__ = "0.1.0"
