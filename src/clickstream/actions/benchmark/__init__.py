"""Measuring the pipeline: a series of runs, what they say, and what earlier ones said."""
