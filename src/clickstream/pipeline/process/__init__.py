"""The process of a worker: its stop, log, reports and heartbeats, with a supervisor or without."""
