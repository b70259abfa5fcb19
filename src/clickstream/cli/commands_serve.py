"""`serve`: its words. The composition root starts the server, for this room knows no dashboard."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import output
from clickstream.cli.diagnostics import say


def serve(args: Namespace) -> int:
    """`args.start_server` takes the port (0: any), whether it is read-only, and whom to tell the address once it can be
    opened; it returns the exit code."""
    from clickstream.config.settings import load_settings

    def announce(address: str) -> None:
        if args.json:
            output.write_json_line({"address": address})
        else:
            output.write_text(address)
            say("Open this address on this machine. Whoever has it can do all that the dashboard can; Ctrl+C ends.")

    load_settings()  # wrong ones are said here, and not in a browser
    return int(args.start_server(args.port, args.read_only, announce))
