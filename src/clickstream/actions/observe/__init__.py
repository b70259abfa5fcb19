"""Watching everything at once: the questions, and the Frame of all answers that front ends show."""
