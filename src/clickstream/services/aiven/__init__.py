"""Aiven's API, which tells the state of services that run there; the only place that speaks to it."""
