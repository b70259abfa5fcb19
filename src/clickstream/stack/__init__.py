"""The embedded servers: each module lays out one server's files and returns its ProcessSpec. Spawns nothing."""
