"""Commands for dead letters: list, show, replay, discard. No payload reaches a terminal but escaped."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clickstream.cli import output
from clickstream.cli.ask import confirmed
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.rejects.listing import Reject
    from clickstream.actions.rejects.replay import Replay
    from clickstream.domain.rejects import RejectFilter

SHOWN_BYTES = 60
"""Of a payload in the list."""

SHOWN_WHOLE = 500_000
"""Bytes of a payload that are shown as text; more is no reading for people."""

SHOWN_KEY = 200
"""The same of a key."""


def list_(args: Namespace) -> int:
    from clickstream.actions.rejects import listing as rejects
    from clickstream.config.settings import load_settings

    found = rejects.listing(load_settings(), _chosen(args), limit=args.limit)
    if args.json:
        documents = [rejects.document(one) for one in found.rejects]
        output.write_json({"rejects": documents, "total": found.total, "problem": found.problem})
    else:
        headers = ("id", "reason", "rejected at", "bytes", "payload")
        blocks: list[output.Block] = [output.Table(headers, [_row(one) for one in found.rejects])]
        if len(found.rejects) < found.total:
            blocks.append(output.Line(f"the newest {len(found.rejects):,} of {found.total:,}; --limit shows more"))
        if found.total or not found.problem:
            output.write(blocks if found.total else [output.Line("no rejects")])
    if found.problem:
        say(f"clickstream: only rejected lines are listed: {found.problem}")
    return ExitCode.FAILED if found.problem else ExitCode.DONE


def show(args: Namespace) -> int:
    from clickstream.actions.rejects import listing as rejects
    from clickstream.config.settings import load_settings

    found = rejects.find(load_settings(), args.id)
    if args.raw:
        return _raw(found)
    if args.json:
        output.write_json(rejects.document(found))
        return ExitCode.DONE
    for line in _description(found):
        output.write_text(line)
    return ExitCode.DONE


def replay(args: Namespace) -> int:
    from clickstream.actions.rejects import replay as action
    from clickstream.config.settings import load_settings

    chosen = _refuse_unclear(args)
    settings = load_settings()
    if not args.ids:
        found = action.replay_all(settings, chosen)
    else:
        mended = None if args.with_ is None else _read(args.with_)
        found = action.replay(settings, args.ids, mended=mended)
    if args.json:
        output.write_json(found)
    else:
        _tell(found)
    return ExitCode.FAILED if found.refused else ExitCode.DONE


def discard(args: Namespace) -> int:
    from clickstream.actions.rejects import replay as action
    from clickstream.config.settings import load_settings

    chosen = _refuse_unclear(args)
    settings = load_settings()
    count = len(set(args.ids)) if args.ids else action.count(settings, chosen)
    if count and not confirmed(f"This removes {_rejects(count)} for good.", yes=args.yes):
        return ExitCode.FAILED
    removed = action.discard(settings, args.ids) if args.ids else action.discard_all(settings, chosen)
    if args.json:
        output.write_json({"discarded": removed})
    else:
        say(f"{_rejects(removed)} discarded")
    return ExitCode.DONE


def _chosen(args: Namespace) -> RejectFilter:
    from clickstream.domain.rejects import RejectFilter, RejectSource, Replayed

    return RejectFilter(
        reason=args.reason,
        source=RejectSource(args.source) if args.source else None,
        replayed=Replayed.ANY if getattr(args, "replayed", False) else Replayed.NO,
    )


def _refuse_unclear(args: Namespace) -> RejectFilter:
    from clickstream.actions.rejects.replay import refuse_unclear
    from clickstream.domain.errors import UsageError

    chosen = _chosen(args)
    refuse_unclear(args.ids, chosen, everything=args.all)
    if not args.ids and getattr(args, "with_", None) is not None:
        raise UsageError("one corrected payload is for one reject", hint="give its id")
    return chosen


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:  # noqa: PTH123 (a pipe of the shell's may be no Path)
        return file.read()


def _raw(found: Reject) -> int:
    from clickstream.domain.errors import UsageError

    if output.is_terminal():
        raise UsageError("a payload as it is may steer the terminal", hint="send --raw into a file or a pipe")
    sys.stdout.buffer.write(found.payload or b"")
    sys.stdout.flush()
    return ExitCode.DONE


def _row(one: Reject) -> tuple[output.Cell, ...]:
    text = one.text[:SHOWN_BYTES]
    cut = "..." if len(text) < len(one.text) or len(one.payload or b"") < one.size else ""
    mark = " (replayed)" if one.replayed_at else ""
    return one.id, one.reason + mark, one.at, one.size, text + cut if one.payload is not None else "(no value)"


def _description(one: Reject) -> list[str]:
    from clickstream.domain.harmless import brief, escaped, harmless

    place = f"offset {one.position}" if one.partition is not None else f"line {one.position} of the file that was sent"
    partition = f", partition {one.partition}" if one.partition is not None else ""
    return [
        f"id        {one.id}",
        f"reason    {one.reason}",
        f"from      {harmless(one.where)}{partition}, {place}",
        f"rejected  {one.at}",
        *([f"replayed  {one.replayed_at}"] if one.replayed_at else []),
        *([f"key       {brief(escaped(one.key[:SHOWN_KEY]), SHOWN_KEY)}"] if one.key is not None else []),
        f"payload   {one.size:,} bytes" if one.payload is not None else "payload   none: the message had no value",
        *(_text(one) if one.payload else []),
    ]


def _text(one: Reject) -> Iterator[str]:
    from clickstream.domain.harmless import escaped

    payload = one.payload or b""
    yield escaped(payload[:SHOWN_WHOLE])
    if len(payload) > SHOWN_WHOLE:
        yield f"... the first {SHOWN_WHOLE:,} of {one.size:,} bytes; --raw has all"


def _tell(found: Replay) -> None:
    for refused in found.refused:
        say(f"{refused.id} was not sent: {refused.reason}")
    say(f"{_rejects(len(found.replayed))} replayed, {len(found.refused):,} not sent")


def _rejects(count: int) -> str:
    return f"{count:,} reject{'' if count == 1 else 's'}"
