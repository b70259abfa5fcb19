"""CSV files of events: reading them, and keeping the lines that are bad."""
