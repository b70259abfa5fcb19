"""`verify`: the proof that nothing was lost and nothing doubled."""

from __future__ import annotations

import json
from typing import Any

import click

from clickstream.cli import activity, frames, output
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.output import Block, Table, TextLine, exact


@command("verify")
@click.option("--opensearch", is_flag=True, help="Compare the index with PostgreSQL too: every event, and no other.")
def verify(opensearch: bool, as_json: bool) -> int:
    from clickstream.actions.verify import sessions as action

    settings = current_settings()
    if not opensearch:
        verification = action.verify(settings, progress=_compared)
        output.show(action.document(verification), verdict, as_json=as_json)
        return ExitCode.DONE if verification.ok else ExitCode.FAILED
    from clickstream.actions.verify import index as verify_index

    activity.report("comparing the index with PostgreSQL")
    index = verify_index.verify_index(settings)
    verification = action.verify(settings, progress=_compared)
    ok = verification.ok and index.ok
    both = action.document(verification) | {"ok": ok, "opensearch": verify_index.document(index)}
    output.show(both, verdict_of_both, as_json=as_json)
    return ExitCode.DONE if ok else ExitCode.FAILED


def _compared(share: float) -> None:
    activity.report("comparing every session with its events", round(100 * share), 100)


def verdict(found: dict[str, Any]) -> list[Block]:
    verdict = "ok" if found["ok"] else "failed"
    rows = [(name.replace("_", " "), exact(value)) for name, value in found.items() if name not in {"ok", "examples"}]
    words = (
        "every stored session is what its events say"
        if found["ok"]
        else "the stored sessions are not what they should be"
    )
    skipped = found["skipped_messages"]
    unread = f"; {exact(skipped)} messages were never read ({frames.GAPS})" if skipped else ""
    lines = [TextLine(f"{verdict}: {words}{unread}")]
    if days := found["different_days"]:
        words = f"the figures of {exact(days)} days, kept for status and analytics, differ"
        lines.append(TextLine(f"{words}: who else writes into the tables?"))
    return [Table(("figure", "rows"), rows), *_examples(found["examples"]), *lines]


def _examples(found: list[dict[str, Any]]) -> list[Block]:
    """A line for each: which it is, and stored beside expected where columns differ."""
    lines = []
    for one in found:
        columns = "; ".join(
            f"{name} {_json(one['stored'][name])}, expected {_json(one['expected'][name])}" for name in one["columns"]
        )
        if one["kind"] == "duplicate event":
            columns = f"{exact(one['stored']['rows'])} rows"
        lines.append(TextLine(f"{one['kind']}: {one['of']}" + (f": {columns}" if columns else "")))
    return [TextLine(""), *lines, TextLine("")] if lines else []


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def verdict_of_both(found: dict[str, Any]) -> list[Block]:
    index = found["opensearch"]
    tables = {name: value for name, value in found.items() if name != "opensearch"}
    figures = ("events", "documents", "missing", "unexpected", "different", "different_days")
    rows = [(name.replace("_", " "), exact(index[name])) for name in figures]
    words = "ok: every event is a document, and none is extra" if index["ok"] else "failed: the index differs"
    refused, behind = index["refused"], index["behind"]
    notes = [
        *([f"{exact(behind)} messages were not indexed yet: verify again once that is 0"] if behind else []),
        *([f"OpenSearch refused {exact(refused)} messages: `clickstream rejects list`"] if refused else []),
        *(f"{one['fault']}: {one['id']}" for one in index["examples"]),
    ]
    differ = any(found[name] for name in ("missing", "unexpected", "different", "duplicate_events"))
    return [
        *verdict(tables | {"ok": not differ}),
        TextLine(""),
        Table((f"index {index['index']}", "rows"), rows),
        TextLine(words),
        *(TextLine(note) for note in notes),
    ]
