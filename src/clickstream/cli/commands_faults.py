"""Breaking something on purpose: faults list, faults inject."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from clickstream.cli import output
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.faults.timeline import Step


def list_(args: Namespace) -> int:
    from clickstream.actions.faults.catalogue import FAULTS
    from clickstream.actions.faults.listing import listed
    from clickstream.config.paths import Home

    faults = listed(Home.from_environment())
    if args.json:
        output.write_json(
            [
                {
                    "name": fault.name,
                    "what": fault.sentence,
                    "seconds": fault.seconds,
                    "available": not fault.unavailable,
                    "why_not": fault.unavailable,
                }
                for fault in faults
            ]
        )
        return ExitCode.DONE
    rows = [
        (
            fault.name,
            output.NOTHING if fault.seconds is None else f"{fault.seconds:g} s",
            f"not here: {fault.unavailable}" if fault.unavailable else fault.sentence,
        )
        for fault in faults
    ]
    what = "what is done, and what should come of it"
    output.write([output.Table(("fault", "lasts", what), rows, drop=("lasts",), wrap=(what,))])
    if faults == FAULTS:
        say("more with OpenSearch: `clickstream stack up --opensearch`")
    return ExitCode.DONE


def inject(args: Namespace) -> int:
    from clickstream.actions.faults import inject as action
    from clickstream.config.settings import load_settings

    found = action.inject(load_settings(), args.name, seconds=args.seconds, on=args.on, note=_tell)
    if args.json:
        output.write_json(action.document(found))
    else:
        output.write([output.Line(found.line)])
    return ExitCode.DONE if found.ok else ExitCode.FAILED


def _tell(step: Step) -> None:
    from clickstream.actions.faults.timeline import clock

    say(f"{clock(step.at)} {step}")
