"""The types that all rooms share: events, sessions, processes, reports, errors. Standard library only, no driver."""
