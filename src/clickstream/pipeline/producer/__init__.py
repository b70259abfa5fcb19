"""The producer: sends a CSV file to Kafka, at the given pace."""
