"""The headless front end: subcommands over actions. stdout is data, stderr is talk."""
