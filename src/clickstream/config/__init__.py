"""Settings and paths: what the user configured and where things lie. Knows no other room."""

import os

# pydantic would look for plugins in the metadata of every package that is installed: 9 ms of each command.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
