"""One module a family of commands: its options, its handlers, and how its answers are shown."""
