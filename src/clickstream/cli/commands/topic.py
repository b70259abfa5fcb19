"""`topic`: the topic of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clickstream.cli import frames, output
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.output import Block, Table, TextLine, exact
from clickstream.cli.types import POSITIVE

if TYPE_CHECKING:
    from clickstream.actions.topic import Topic


@command("topic show")
def show(as_json: bool) -> int:
    from clickstream.actions import topic as action

    output.show(action.show(current_settings()), description, as_json=as_json)
    return ExitCode.DONE


@command("topic resize")
@click.argument("partitions", type=POSITIVE, metavar="PARTITIONS", help="How many in all; Kafka cannot remove any.")
def resize(partitions: int, as_json: bool) -> int:
    from clickstream.actions import topic as action

    output.report(action.resize(current_settings(), partitions), as_json=as_json)
    return ExitCode.DONE


def description(found: Topic) -> list[Block]:
    rows = [(exact(one.partition), exact(one.begin), exact(one.end), exact(one.messages)) for one in found.partitions]
    return [
        TextLine(f"topic {found.name}, id {found.topic_id}, {exact(found.messages)} messages"),
        Table(("partition", "begin", "end", "messages"), rows),
        TextLine(_configs(found)),
        *_gaps(found),
        *frames.obstacles(found.obstacles),
    ]


def _configs(found: Topic) -> str:
    if found.configs is None:
        return "when Kafka removes messages is not readable with this user"
    return "  ".join(f"{name}={value}" for name, value in found.configs.items())


def _gaps(found: Topic) -> list[Block]:
    if found.gaps is None:
        return [TextLine("whether messages were skipped is not known: PostgreSQL does not answer")]
    rows = [
        (exact(one.partition), exact(one.from_offset), exact(one.to_offset), exact(one.messages), one.accepted_at)
        for one in found.gaps
    ]
    headers = ("partition", "from", "to", "messages", "accepted")
    return [Table(headers, rows, "never read", drop=("accepted",))] if rows else []
