"""What screens are made of, one widget a file. A widget gets plain values and draws them; it asks no server."""
