"""Reads CSV files of events, and keeps their bad lines."""
