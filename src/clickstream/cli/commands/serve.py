"""`serve`: the dashboard in a browser. The composition root starts it: this room does not know the dashboard."""

from __future__ import annotations

import click

from clickstream.cli import output
from clickstream.cli.declare import Screens, command, current_settings
from clickstream.cli.diagnostics import print_message
from clickstream.cli.types import PORT


@command("serve", shows_itself=True)
@click.option("--port", type=PORT, metavar="N", help="Where to listen; any free port if it is not given.")
@click.option("--read-only", is_flag=True, help="Offer nothing that changes something.")
def serve(port: int | None, read_only: bool, as_json: bool) -> int:

    def announce(address: str) -> None:
        if as_json:
            output.write_json_line({"address": address})
        else:
            output.write_text(address)
            words = "Open this address on this machine. Who has it can do all that the dashboard can; Ctrl+C ends."
            print_message(words)

    current_settings()  # wrong ones are said here, and not in a browser
    screens = click.get_current_context().find_object(Screens)
    assert screens is not None  # noqa: S101 (the composition root gives them)
    return screens.serve(port or 0, read_only, announce)
