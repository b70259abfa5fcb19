"""Aiven's own API, which tells how services stand that run there; the only place that speaks to it."""
