"""The supervisor: owns every process, servers and workers alike, and answers on a Unix socket."""
