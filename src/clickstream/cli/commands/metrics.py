"""`metrics`: the figures for Prometheus."""

from __future__ import annotations

import logging

import click

from clickstream.cli import output
from clickstream.cli.declare import command, wrong_use
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.types import PORT


@command("metrics", shows_itself=True)
@click.option("--once", is_flag=True, help="Print them, and serve nothing.")
@click.option(
    "--supervised",
    is_flag=True,
    help="Let the supervisor of this home serve them; `clickstream worker stop metrics` ends that.",
)
@click.option("--port", type=PORT, default=9464, metavar="N", show_default=True, help="Where to listen.")
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    show_default=True,
    help="Of this machine. With 0.0.0.0, everybody in the network can read the figures, without a password.",
)
def metrics(once: bool, supervised: bool, port: int, host: str, as_json: bool) -> int:
    from clickstream.actions.metrics import serve as action
    from clickstream.config.settings import load_settings

    def announce(address: str) -> None:
        if as_json:
            output.write_json_line({"address": address})
        else:
            output.write_text(address)

    if once and supervised:
        wrong_use("--once and --supervised exclude one another")
    if once:
        # Drivers log to stderr where nothing else is configured; that a server is down is among the figures.
        logging.getLogger().addHandler(logging.NullHandler())
        if as_json:
            output.write_json(action.once_as_data(load_settings))
        else:
            output.write_raw(action.once(load_settings))
    elif supervised:
        address = action.start(load_settings(), host=host, port=port)
        if as_json:
            output.write_json({"address": address, "process": action.PROCESS})
        else:
            print_message(f"serving {address}; `clickstream worker stop {action.PROCESS}` ends it")
    else:
        action.serve_until_signal(load_settings, host=host, port=port, announce=announce)
    return ExitCode.DONE
