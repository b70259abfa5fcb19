"""The figures for Prometheus."""
