"""The five charts of a search result, and the words where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.column_chart import AXIS, Columns, column_chart, squeezed
from clickstream.tui.drawing.pieces import Row, content, spread
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.drawing.text import bar, clip, day, exact, milliseconds, percent

if TYPE_CHECKING:
    from clickstream.services.opensearch.search import Document, Item, SearchResult

NAMES = {"view": "viewed", "addtocart": "carted", "transaction": "bought"}

COLUMNS = (
    Column("event time (UTC)", width=23),
    Column("visitor", right=True, width=10),
    Column("event", width=11),
    Column("item", right=True, width=10),
    Column("transaction", right=True, width=11),
)

SHORTEST_BAR = 6

ROOMY = 42
"""Cells from which there are shares beside the bars."""

NO_TRANSACTION = "–"


def over_time(found: SearchResult, width: int, height: int) -> Content:
    """Events over time, and below them the share of purchases."""
    values = squeezed([float(slot.events) for slot in found.over_time], width - AXIS)
    bought = squeezed([float(slot.purchases) for slot in found.over_time], width - AXIS)
    slots = found.over_time
    labels = tuple(_label(slot.at, found.interval) for slot in (slots[0], slots[len(slots) // 2], slots[-1]))
    labels = labels if len(values) > 2 else labels[:1]
    return content(column_chart(Columns(values, bought, labels, "bought"), width, height))


def time_span(found: SearchResult, width: int) -> str:
    """How long a column of that is."""
    squeeze = len(found.over_time) / max(1, width - AXIS)
    return f"by {found.interval}" + (f", means of {squeeze:.1f} a column" if squeeze > 1 else "")


def breakdown(found: SearchResult, width: int, height: int) -> Content:
    """How many events there are of each kind."""
    rows = [(one.event, one.events, found.hits) for one in found.kinds]
    return content(_bars(rows, max(one.events for one in found.kinds), width)[:height])


def funnel(found: SearchResult, width: int, height: int) -> Content:
    """How many visitors did each."""
    most = max(one.visitors for one in found.kinds)
    rows = [(NAMES[one.event], one.visitors, found.kinds[0].visitors) for one in found.kinds]
    drawn = _bars(rows, most, width)
    if height > len(drawn):
        drawn.append([(clip("visitors who did so, in whichever order", width), DIM)])
    return content(drawn[:height])


def items(found: Sequence[Item], width: int, height: int) -> Content:
    """The items, with how often each."""
    if not found:
        return content([[("none", DIM)]])
    most = found[0].events
    name = max(len(str(one.item_id)) for one in found) + 1
    rows: list[Row] = []
    for one in found[:height]:
        count = f" {exact(one.events)}"
        length = width - name - max(len(count), 7)
        drawn = bar(one.events / most, length) if length >= SHORTEST_BAR else ""
        rows.append(spread([(f"{one.item_id:<{name}}", ""), (drawn, ACCENT)], [(count, "bold")], width))
    return content(rows)


def document_cells(one: Document) -> tuple[Cell, ...]:
    from clickstream.domain.times import moment

    time = moment(one.event_time)
    transaction = NO_TRANSACTION if one.transaction_id is None else str(one.transaction_id)
    return (
        Cell(time[:-1].replace("T", " "), one.event_time),
        Cell(str(one.visitor_id), one.visitor_id),
        Cell(one.event, one.event),
        Cell(str(one.item_id), one.item_id),
        Cell(transaction, one.transaction_id or -1, "" if one.transaction_id is not None else DIM),
    )


def hits_words(found: SearchResult) -> str:
    """The result in words."""
    words = f"{exact(found.hits)} events"
    if found.first is not None and found.last is not None:
        words += f" · {day(found.first)} to {day(found.last)}"
    return f"{words} · {milliseconds(found.took_ms)}"


def _label(at: int, interval: str) -> str:
    from clickstream.domain.times import moment

    text = moment(at)
    return text[:10] if interval[-1:] in {"d", "M", "y"} else text[5:16].replace("T", " ")


def _bars(rows: Sequence[tuple[str, int, int]], most: int, width: int) -> list[Row]:
    """Of name, value and what the value is a part of."""
    drawn: list[Row] = []
    for name, value, whole in rows:
        tail = f" {exact(value):>9}" + (percent(value, whole).rjust(10) if width >= ROOMY else "")
        length = width - len(tail) - 12
        line = bar(value / most if most else 0.0, length) if length >= SHORTEST_BAR else ""
        drawn.append(spread([(f"{name:<12}", DIM), (line, ACCENT)], [(tail, "bold")], width))
    return drawn
