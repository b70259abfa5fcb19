"""How what a search has found reads as text: five pictures made of bars. Prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clickstream.actions.opensearch.search import STEP_NAMES, moment
from clickstream.cli.output import NOTHING, Block, Line, Table, exact

if TYPE_CHECKING:
    from clickstream.services.opensearch.search import Document, Found, Item

BAR = 24
"""Cells of the longest bar."""

EIGHTHS = " ▏▎▍▌▋▊▉"


def found(result: Found) -> list[Block]:
    head = f"{result.query}: {exact(result.hits)} events of {result.index} in {exact(result.took_ms)} ms"
    if not result.hits or result.first is None or result.last is None:
        return [Line(head)]
    span = f", {moment(result.first)[:10]} to {moment(result.last)[:10]}"
    return [
        Line(head + span),
        Line(""),
        _over_time(result),
        Line(""),
        _bars(
            "Event Types Breakdown", ("event", "events"), [(one.event, one.events) for one in result.kinds], share=True
        ),
        Line(""),
        _funnel(result),
        Line(""),
        _items("Top Viewed Items", "views", result.top_viewed),
        Line(""),
        _items("Top Purchased Items", "purchases", result.top_purchased),
        Line(""),
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


def _over_time(result: Found) -> Table:
    fine = result.interval[-1:] not in {"d", "M", "y"}
    rows = [(moment(one.at)[: 16 if fine else 10].replace("T", " "), one.events) for one in result.over_time]
    return _bars(f"Events Over Time, by {result.interval}", ("from (UTC)", "events"), rows)


def _funnel(result: Found) -> Table:
    rows = [(STEP_NAMES[one.event], one.visitors) for one in result.kinds]
    return _bars("Conversion Funnel", ("visitors who", "visitors"), rows, share_of=result.kinds[0].visitors)


def _items(title: str, counted: str, items: Sequence[Item]) -> Block:
    if not items:
        return Line(f"{title}: none")
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
