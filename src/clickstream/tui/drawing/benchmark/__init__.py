"""What the benchmark screen shows."""
