"""A visitor's life as one line, and the rows of its sessions and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.pieces import Row, content, spread
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, OKAY
from clickstream.tui.drawing.text import NOTHING, exact, seconds

if TYPE_CHECKING:
    from clickstream.actions.sessions import Visitor
    from clickstream.services.postgres.inspect import StoredEvent, StoredSession

BOUGHT, CARTED, VIEWED = ("●", OKAY), ("◆", BUSY), ("○", ACCENT)
"""Glyph and style of what happened, in a session or as an event."""

KINDS = {"view": ("viewed", *VIEWED), "addtocart": ("carted", *CARTED), "transaction": ("bought", *BOUGHT)}

CYCLE_YEARS, CYCLE_SECONDS = 400, 12_622_780_800
"""The calendar repeats itself after that."""


def session_columns(width: int) -> tuple[Column, ...]:
    start = (Column("start (UTC)", width=19), Column("lasted", right=True, width=8))
    counts = (Column("events", right=True, width=7), Column("carts", right=True, width=6))
    end = (Column("bought", right=True, width=7), Column("outcome", width=8))
    return (*start, *counts, *end) if width >= 72 else (*start, counts[0], end[1])


def session_cells(session: StoredSession, width: int) -> tuple[Cell, ...]:
    glyph, style = mark(session)
    word = "bought" if glyph == BOUGHT[0] else "carted" if glyph == CARTED[0] else "looked"
    cells = (
        Cell(session.session_start[:-5].replace("T", " "), unix(session.session_start)),
        Cell(seconds(session.duration_seconds) if session.duration_seconds else NOTHING, session.duration_seconds),
        Cell(exact(session.event_count), session.event_count),
        Cell(exact(session.cart_count) if session.cart_count else NOTHING, session.cart_count),
        Cell(exact(session.transaction_count) if session.transaction_count else NOTHING, session.transaction_count),
        Cell(f"{glyph} {word}", word, style),
    )
    return cells if width >= 72 else (cells[0], cells[1], cells[2], cells[5])


def event_columns(width: int) -> tuple[Column, ...]:
    return (
        Column("time (UTC)", width=12),
        Column("after", right=True, width=8),
        Column("what", width=8),
        Column("item", right=True, width=8),
        Column("transaction", right=True, width=12) if width >= 62 else Column("trans", right=True, width=8),
    )


def event_cells(event: StoredEvent, before: StoredEvent | None) -> tuple[Cell, ...]:
    word, glyph, style = KINDS[event.event]
    elapsed = unix(event.event_time) - unix(before.event_time) if before else None
    clock = event.event_time.partition("T")[2][:-1]
    transaction = "" if event.transaction_id is None else str(event.transaction_id)
    return (
        Cell(clock, event.event_time),
        Cell("" if elapsed is None else f"+{seconds(elapsed)}", elapsed or 0.0, DIM),
        Cell(f"{glyph} {word}", word, style),
        Cell(str(event.item_id), event.item_id),
        Cell(transaction, event.transaction_id or 0, DIM),
    )


def events_of(visitor: Visitor, session: StoredSession) -> list[StoredEvent]:
    """The session's own events, oldest first."""
    low, high = unix(session.session_start), unix(session.session_end)
    return [event for event in visitor.events if low <= unix(event.event_time) <= high]


def mark(session: StoredSession) -> tuple[str, str]:
    """What a session looks like on the line."""
    return BOUGHT if session.converted else CARTED if session.cart_count else VIEWED


def life_line(visitor: Visitor, chosen: str | None, width: int) -> Content:
    """From the first session to the last: a mark each, purchases over carts over views; the chosen one stands out."""
    if not visitor.sessions:
        return Content.styled(f"nothing is stored of visitor {visitor.visitor_id}", DIM)
    starts = [unix(session.session_start) for session in visitor.sessions]
    first, span = starts[0], max(starts[-1] - starts[0], 1.0)
    line: list[tuple[str, str]] = [("─", DIM)] * width
    order = [VIEWED, CARTED, BOUGHT]
    ranked = sorted(zip(starts, visitor.sessions, strict=True), key=lambda pair: order.index(mark(pair[1])))
    for start, session in ranked:
        line[_place(start - first, span, width)] = mark(session)
    below = [" "] * width
    for start, session in zip(starts, visitor.sessions, strict=True):
        if session.session_id == chosen:
            below[_place(start - first, span, width)] = "▲"
    ends: Row = spread([(_day(visitor.sessions[0]), DIM)], [(_day(visitor.sessions[-1]), DIM)], width)
    return content([line, [("".join(below), "bold")], ends])


def summary(visitor: Visitor) -> str:
    sessions, bought = visitor.sessions, sum(session.transaction_count for session in visitor.sessions)
    return (
        f"{len(sessions):,} session{'s' * (len(sessions) != 1)}"
        f" · {len(visitor.events):,} event{'s' * (len(visitor.events) != 1)}"
        f" · {bought:,} purchase{'s' * (bought != 1)}"
    )


def unix(text: str) -> float:
    """Unix seconds of an ISO 8601 time in UTC, whose year may have more than four digits."""
    year, _, rest = text.partition("-")
    cycles, within = divmod(int(year) - 2000, CYCLE_YEARS)
    at = datetime.fromisoformat(f"{2000 + within:04d}-{rest}").replace(tzinfo=UTC)
    return at.timestamp() + cycles * CYCLE_SECONDS


def _place(since: float, span: float, width: int) -> int:
    return round(since / span * (width - 1))


def _day(session: StoredSession) -> str:
    return session.session_start.partition("T")[0]
