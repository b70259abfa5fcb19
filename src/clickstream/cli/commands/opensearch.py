"""`opensearch`: the optional search side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.output import NOTHING, Block, Table, TextLine, exact
from clickstream.domain.times import moment

if TYPE_CHECKING:
    from clickstream.services.opensearch.search import Document, Item, SearchResult

STEP_NAMES = {"view": "viewed", "addtocart": "added to cart", "transaction": "purchased"}

BAR = 24
"""Cells of the longest bar."""

EIGHTHS = " ▏▎▍▌▋▊▉"

DONE = "✓"


@command("opensearch init")
def init(as_json: bool) -> int:
    from clickstream.actions.opensearch import init as action

    def note(words: str) -> None:
        if not as_json:
            output.write_text(f"{DONE} {words}")

    found = action.init(current_settings(), note)
    if as_json:
        output.write_json(action.document(found))
    elif not found.imported:
        print_message(action.NO_DASHBOARDS)
    else:
        if found.span is None:
            print_message("no events yet: the dashboards show the time of the shop's own data until this is done again")
        output.write_text("open " + " or ".join(found.pages))
    return ExitCode.DONE


@command("opensearch search")
@click.argument(
    "query",
    nargs=-1,
    metavar="[QUERY]...",
    help="In Lucene's syntax, over event_time, visitor_id, event, item_id and transaction_id; else all. Such as"
    " item_id:461686, event:view AND event_time:[2015-06-01 TO 2015-06-30], _exists_:transaction_id",
)
def search(query: tuple[str, ...], as_json: bool) -> int:
    from clickstream.actions.opensearch import search as action

    found = action.search(current_settings(), " ".join(query))
    if as_json:
        output.write_json(action.document(found))
    else:
        output.write(pictures(found))
    return ExitCode.DONE


def pictures(result: SearchResult) -> list[Block]:
    head = f"{result.query}: {exact(result.hits)} events of {result.index} in {exact(result.took_ms)} ms"
    if not result.hits or result.first is None or result.last is None:
        return [TextLine(head)]
    span = f", {moment(result.first)[:10]} to {moment(result.last)[:10]}"
    return [
        TextLine(head + span),
        TextLine(""),
        _over_time(result),
        TextLine(""),
        _bars(
            "Event Types Breakdown", ("event", "events"), [(one.event, one.events) for one in result.kinds], share=True
        ),
        TextLine(""),
        _funnel(result),
        TextLine(""),
        _items("Top Viewed Items", "views", result.top_viewed),
        TextLine(""),
        _items("Top Purchased Items", "purchases", result.top_purchased),
        TextLine(""),
        Table(
            ("event time (UTC)", "visitor", "event", "item", "transaction"),
            [_document(one) for one in result.newest],
            title="The newest",
            drop=("transaction", "item"),
        ),
    ]


def bar(value: int, most: int) -> str:
    """In eighths of a cell; little is not nothing."""
    cells, eighths = divmod(max(1, round(8 * BAR * value / most)), 8) if value and most else (0, 0)
    return "█" * cells + EIGHTHS[eighths].strip()


def _over_time(result: SearchResult) -> Table:
    fine = result.interval[-1:] not in {"d", "M", "y"}
    rows = [(moment(one.at)[: 16 if fine else 10].replace("T", " "), one.events) for one in result.over_time]
    return _bars(f"Events Over Time, by {result.interval}", ("from (UTC)", "events"), rows)


def _funnel(result: SearchResult) -> Table:
    rows = [(STEP_NAMES[one.event], one.visitors) for one in result.kinds]
    return _bars("Conversion Funnel", ("visitors who", "visitors"), rows, share_of=result.kinds[0].visitors)


def _items(title: str, counted: str, items: Sequence[Item]) -> Block:
    if not items:
        return TextLine(f"{title}: none")
    return _bars(title, ("item", counted), [(str(one.item_id), one.events) for one in items])


def _bars(
    title: str, headers: tuple[str, str], rows: Sequence[tuple[str, int]], *, share: bool = False, share_of: int = 0
) -> Table:
    """`share`: each row's part of all; `share_of`: of this."""
    whole = sum(value for _, value in rows) if share else share_of
    most = max((value for _, value in rows), default=0)
    if not whole:
        cells = [(name, exact(value), bar(value, most)) for name, value in rows]
        return Table((*headers, ""), cells, title, drop=("",))
    shares = [f"{100 * value / whole:.2f} %" for _, value in rows]
    full = [(name, exact(value), part, bar(value, most)) for (name, value), part in zip(rows, shares, strict=True)]
    return Table((*headers, "share", ""), full, title, drop=("share", ""))


def _document(one: Document) -> tuple[str, ...]:
    transaction = NOTHING if one.transaction_id is None else str(one.transaction_id)
    return moment(one.event_time), str(one.visitor_id), one.event, str(one.item_id), transaction
