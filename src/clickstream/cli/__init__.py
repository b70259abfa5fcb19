"""The command line: subcommands over actions. Data goes to stdout, messages for people to stderr."""
