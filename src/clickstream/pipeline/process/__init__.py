"""Being a worker process: the stop, the log, reports and heartbeats, with a supervisor or without."""
