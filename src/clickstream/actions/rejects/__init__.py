"""What was put aside: seen, sent again, removed."""
