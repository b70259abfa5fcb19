"""Measuring the pipeline: a series of runs, their results, and the history of earlier results."""
