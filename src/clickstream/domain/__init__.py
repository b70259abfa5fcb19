"""The words of the house: events, sessions, processes, reports, errors. Standard library only, no driver."""
