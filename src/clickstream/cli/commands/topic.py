"""`topic`: the topic of events."""

from __future__ import annotations

import click

from clickstream.cli import output, views
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.types import POSITIVE


@command("topic show")
def show(as_json: bool) -> int:
    from clickstream.actions import topic as action
    from clickstream.config.settings import load_settings

    output.show(action.show(load_settings()), views.topic, as_json=as_json)
    return ExitCode.DONE


@command("topic resize")
@click.argument("partitions", type=POSITIVE, metavar="PARTITIONS", help="How many in all; Kafka cannot remove any.")
def resize(partitions: int, as_json: bool) -> int:
    from clickstream.actions import topic as action
    from clickstream.config.settings import load_settings

    output.report(action.resize(load_settings(), partitions), as_json=as_json)
    return ExitCode.DONE
