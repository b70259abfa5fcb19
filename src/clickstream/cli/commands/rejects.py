"""`rejects`: list, show, replay, discard. No payload reaches a terminal unescaped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.ask import YES, confirmed
from clickstream.cli.declare import command, current_settings, options, wrong_use
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.types import LIMIT, NATURAL, TIME

if TYPE_CHECKING:
    from clickstream.actions.rejects.listing import Reject
    from clickstream.actions.rejects.replay import Replay
    from clickstream.domain.rejects import RejectFilter

SHOWN_BYTES = 60
"""Of a payload in the list."""

SHOWN_WHOLE = 500_000
"""Bytes of a payload that are shown as text; more is not reading for people."""

SHOWN_KEY = 200
"""The same of a key."""

CHOICE = options(
    click.option("--reason", default="", metavar="TEXT", help="Only those whose reason holds this text."),
    click.option("--source", type=click.Choice(["messages", "csv"]), help="Only messages, or only CSV lines."),
    click.option("--partition", type=NATURAL, metavar="N", help="Only messages of this partition."),
    click.option("--since", type=TIME, metavar="TIME", help="Only those rejected then or later; see --until."),
    click.option(
        "--until", type=TIME, metavar="TIME",
        help="Only those rejected before: 2026-11-25T08:30 (UTC unless it names a zone) or 1430622004384ms.",
    ),
)  # fmt: skip
IDS = click.argument("ids", nargs=-1, metavar="[ID]...", help="As `rejects list` shows them.")
ALL = click.option("--all", "all_", is_flag=True, help="All instead of some ids.")


@command("rejects list")
@click.option("--limit", type=LIMIT, default=100, metavar="N", show_default=True, help="How many at most.")
@click.option("--replayed", is_flag=True, help="With the messages that were replayed.")
@CHOICE
def list_(
    limit: int,
    replayed: bool,
    reason: str,
    source: str | None,
    partition: int | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> int:
    from clickstream.actions.rejects import listing as rejects

    chosen = _chosen(reason, source, partition, since, until, replayed=replayed)
    found = rejects.listing(current_settings(), chosen, limit=limit)
    if as_json:
        documents = [rejects.document(one) for one in found.rejects]
        output.write_json({"rejects": documents, "total": found.total, "problem": found.problem})
    else:
        headers = ("id", "reason", "rejected at", "bytes", "payload")
        rows, drop = [_row(one) for one in found.rejects], ("bytes", "rejected at", "payload")
        blocks: list[output.Block] = [output.Table(headers, rows, drop=drop, wrap=("reason",), cut=("payload",))]
        if len(found.rejects) < found.total:
            blocks.append(output.TextLine(f"the newest {len(found.rejects):,} of {found.total:,}; --limit shows more"))
        if found.total or not found.problem:
            output.write(blocks if found.total else [output.TextLine("no rejects")])
    if found.problem:
        print_message(f"clickstream: only rejected lines are listed: {found.problem}")
    return ExitCode.FAILED if found.problem else ExitCode.DONE


@command("rejects show")
@click.argument("id_", metavar="[ID]", required=False, help="As `rejects list` shows it (default: the newest).")
@click.option("--raw", is_flag=True, help="Only the payload, byte by byte, for a file or a pipe.")
def show(id_: str | None, raw: bool, as_json: bool) -> int:
    from clickstream.actions.rejects import listing as rejects

    settings = current_settings()
    found = rejects.newest(settings) if id_ is None else rejects.find(settings, id_)
    if found and raw:
        return _raw(found)
    if as_json:
        output.write_json(rejects.document(found) if found else None)
        return ExitCode.DONE
    if found is None:
        print_message("no rejects")
        return ExitCode.DONE
    for line in _description(found):
        output.write_text(line)
    return ExitCode.DONE


@command("rejects replay")
@IDS
@ALL
@click.option("--with", "with_", metavar="FILE", help="The payload to send instead of one reject's; - is stdin.")
@CHOICE
def replay(  # noqa: PLR0913 (a parameter an option)
    *,
    ids: tuple[str, ...],
    all_: bool,
    with_: str | None,
    reason: str,
    source: str | None,
    partition: int | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> int:
    from clickstream.actions.rejects import replay as action

    chosen = _chosen(reason, source, partition, since, until)
    action.refuse_unclear(ids, chosen, everything=all_)
    if not ids and with_ is not None:
        wrong_use("--with replaces the payload of one reject; give its id")
    settings = current_settings()
    if ids:
        found = action.replay(settings, ids, corrected=None if with_ is None else _read(with_))
    else:
        found = action.replay_all(settings, chosen)
    if as_json:
        output.write_json(found)
    else:
        _tell(found)
    return ExitCode.FAILED if found.refused else ExitCode.DONE


@command("rejects discard")
@IDS
@ALL
@CHOICE
@YES
def discard(  # noqa: PLR0913 (a parameter an option)
    *,
    ids: tuple[str, ...],
    all_: bool,
    reason: str,
    source: str | None,
    partition: int | None,
    since: datetime | None,
    until: datetime | None,
    yes: bool,
    as_json: bool,
) -> int:
    from clickstream.actions.rejects import replay as action

    chosen = _chosen(reason, source, partition, since, until)
    action.refuse_unclear(ids, chosen, everything=all_)
    settings = current_settings()
    count = len(set(ids)) if ids else action.count(settings, chosen)
    if count and not confirmed(f"This removes {_rejects(count)} for good.", yes=yes):
        return ExitCode.FAILED
    removed = action.discard(settings, ids) if ids else action.discard_all(settings, chosen)
    if as_json:
        output.write_json({"discarded": removed})
    else:
        print_message(f"{_rejects(removed)} discarded")
    return ExitCode.DONE


def _chosen(
    reason: str,
    source: str | None,
    partition: int | None,
    since: datetime | None,
    until: datetime | None,
    *,
    replayed: bool = False,
) -> RejectFilter:
    from clickstream.domain.rejects import RejectFilter, RejectSource, ReplayedFilter

    return RejectFilter(
        reason=reason,
        source=RejectSource(source) if source else None,
        partition=partition,
        since=since,
        until=until,
        replayed=ReplayedFilter.ANY if replayed else ReplayedFilter.NO,
    )


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:  # noqa: PTH123 (a pipe of the shell's may not be a Path)
        return file.read()


def _raw(found: Reject) -> int:
    if output.is_terminal():
        wrong_use("a payload as it is may steer the terminal; send --raw into a file or a pipe")
    sys.stdout.buffer.write(found.payload or b"")
    sys.stdout.flush()
    return ExitCode.DONE


def _row(one: Reject) -> tuple[output.Cell, ...]:
    text = one.text[:SHOWN_BYTES]
    cut = "..." if len(text) < len(one.text) or len(one.payload or b"") < one.size else ""
    mark = " (replayed)" if one.replayed_at else ""
    return one.id, one.reason + mark, one.at, one.size, text + cut if one.payload is not None else "(no value)"


def _description(one: Reject) -> list[str]:
    from clickstream.domain.escapes import brief, escape_bytes, escape_controls

    place = f"offset {one.position}" if one.partition is not None else f"line {one.position} of the file that was sent"
    partition = f", partition {one.partition}" if one.partition is not None else ""
    return [
        f"id        {one.id}",
        f"reason    {one.reason}",
        f"from      {escape_controls(one.where)}{partition}, {place}",
        f"rejected  {one.at}",
        *([f"replayed  {one.replayed_at}"] if one.replayed_at else []),
        *([f"key       {brief(escape_bytes(one.key[:SHOWN_KEY]), SHOWN_KEY)}"] if one.key is not None else []),
        f"payload   {one.size:,} bytes" if one.payload is not None else "payload   none: the message had no value",
        *(_text(one) if one.payload else []),
    ]


def _text(one: Reject) -> Iterator[str]:
    from clickstream.domain.escapes import escape_bytes

    payload = one.payload or b""
    yield escape_bytes(payload[:SHOWN_WHOLE])
    if len(payload) > SHOWN_WHOLE:
        yield f"... the first {SHOWN_WHOLE:,} of {one.size:,} bytes; --raw has all"


def _tell(found: Replay) -> None:
    for refused in found.refused:
        print_message(f"{refused.id} was not sent: {refused.reason}")
    print_message(f"{_rejects(len(found.replayed))} replayed, {len(found.refused):,} not sent")


def _rejects(count: int) -> str:
    return f"{count:,} reject{'' if count == 1 else 's'}"
