"""The producer: sends a CSV file to Kafka, at the pace that it is told."""
