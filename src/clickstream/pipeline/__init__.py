"""What runs as operating-system processes: the producer and the consumers, and the algebra they stand on."""
