"""What processes logged, for people."""
