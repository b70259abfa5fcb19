"""`faults`: breaking something on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.complete import faults
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.types import SPAN

if TYPE_CHECKING:
    from clickstream.actions.faults.timeline import Step


@command("faults list")
def list_(as_json: bool) -> int:
    from clickstream.actions.faults.catalogue import FAULTS, list_faults
    from clickstream.config.paths import Home

    known = list_faults(Home.from_environment())
    if as_json:
        output.write_json(
            [
                {
                    "name": fault.name,
                    "what": fault.sentence,
                    "seconds": fault.seconds,
                    "available": not fault.unavailable,
                    "why_not": fault.unavailable,
                }
                for fault in known
            ]
        )
        return ExitCode.DONE
    rows = [
        (
            fault.name,
            output.NOTHING if fault.seconds is None else f"{fault.seconds:g} s",
            f"not here: {fault.unavailable}" if fault.unavailable else fault.sentence,
        )
        for fault in known
    ]
    what = "what is done, and what should come of it"
    output.write([output.Table(("fault", "lasts", what), rows, drop=("lasts",), wrap=(what,))])
    if known == FAULTS:
        print_message("more with OpenSearch: `clickstream stack up --opensearch`")
    return ExitCode.DONE


@command("faults inject")
@click.argument("name", metavar="NAME", shell_complete=faults, help="As `faults list` shows it.")
@click.option("--for", "seconds", type=SPAN, metavar="10s", help="How long it lasts; else as `faults list` shows it.")
@click.option("--on", default="", metavar="PROCESS", help="Which consumer; else the one with the most to do.")
def inject(name: str, seconds: float | None, on: str, as_json: bool) -> int:
    from clickstream.actions.faults import inject as action

    found = action.inject(current_settings(), name, seconds=seconds, on=on, note=_tell)
    if as_json:
        output.write_json(action.document(found))
    else:
        output.write([output.TextLine(found.line)])
    return ExitCode.DONE if found.ok else ExitCode.FAILED


def _tell(step: Step) -> None:
    from clickstream.actions.faults.timeline import clock

    print_message(f"{clock(step.at)} {step}")
