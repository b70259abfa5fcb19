"""Observes the whole pipeline: asks all servers, and makes the Frame that front ends show."""
