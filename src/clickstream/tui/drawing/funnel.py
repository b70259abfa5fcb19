"""The boxes of the funnel screen: a window's funnel, the ordered funnel, sessions by day and by hour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.column_chart import AXIS, Columns, column_chart, squeezed
from clickstream.tui.drawing.pieces import Row, content, spread
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, FAILED
from clickstream.tui.drawing.text import NOTHING, bar, clip, day, exact, percent, seconds

if TYPE_CHECKING:
    from clickstream.actions.analytics import Funnel
    from clickstream.actions.funnel import Breakdown, FunnelSlot, OrderedFunnel
    from clickstream.tui.background import BackgroundQuery

DAY_MS = 86_400_000

ROOMY = 56
"""Cells from which there are whole sentences."""

EXPLAINED = ("of one item, by one visitor, each step later than the", "one before; in whichever sessions")

MOST_DAYS = 4_000
"""Days that a chart by day spans; beyond that, days without sessions are left out."""


def window_box(window: Funnel | None, old: bool, width: int, height: int) -> Content:
    """One window: its steps as bars where there is room for them, and its rates."""
    if window is None:
        return content([[("not counted yet", DIM)]])
    style = DIM if old else "bold"
    steps = (("sessions", window.sessions), ("carts", window.cart_sessions), ("bought", window.purchase_sessions))
    rows: list[Row] = []
    for name, count in steps:
        length = width - 21
        share = count / window.sessions if window.sessions else 0.0
        drawn = bar(share, length) + " " if length >= 6 else ""
        rows.append(spread([(f"{name:<9}", DIM), (drawn, DIM if old else ACCENT)], [(exact(count), style)], width))
    rows += [
        spread([("conversion", DIM)], [(f"{window.conversion_rate:.2f} %", style)], width),
        spread([("abandoned", DIM)], [(f"{window.cart_abandonment:.2f} %", style)], width),
        spread([("purchases", DIM)], [(exact(window.total_purchases), style)], width),
        spread([("items a purchase", DIM)], [(f"{window.avg_items_per_purchase:.2f}", style)], width),
    ]
    return content(rows[:height])


def ordered_box(asked: BackgroundQuery[OrderedFunnel], now: float, width: int, height: int) -> Content:
    """Views before carts before purchases, with the median time between."""
    if asked.figure is None:
        return content([[(line, style)] for line, style in _nothing_yet(asked, now, width)])
    found = asked.figure.value
    steps = (
        ("viewed", found.viewed, 0),
        ("carted", found.carted, found.viewed),
        ("bought", found.bought, found.carted),
    )
    rows: list[Row] = []
    wide = width >= 34
    for name, count, of in steps:
        tail = f"{exact(count):>{11 if wide else 10}}" + (percent(count, of) if of else "").rjust(9 if wide else 8)
        share = count / found.viewed if found.viewed else 0.0
        drawn = bar(share, width - 28) if wide else ""
        rows.append(spread([(f"{name:<8}", DIM), (drawn, ACCENT)], [(tail, "bold")], width))
    roomy = width >= ROOMY
    waits = (
        ("view to cart, median" if roomy else "to cart", found.seconds_to_cart),
        ("cart to purchase, median" if roomy else "to purchase", found.seconds_to_purchase),
    )
    rows += [
        spread([(name, DIM)], [(NOTHING if wait is None else seconds(wait), "bold")], width) for name, wait in waits
    ]
    notes = ["", *(EXPLAINED if roomy else ()), _age_note(asked, now)]
    rows += [[(clip(note, width), DIM)] for note in notes]
    return content(rows[:height])


def days_box(asked: BackgroundQuery[Breakdown], now: float, width: int, height: int) -> tuple[Content, str]:
    """Sessions by day, and how many days make a column."""
    if asked.figure is None:
        return content([[(line, style)] for line, style in _nothing_yet(asked, now, width)]), ""
    slots = _with_empty_days(asked.figure.value.days)
    values = squeezed([float(slot.sessions) for slot in slots], width - AXIS)
    bought = squeezed([float(slot.purchase_sessions) for slot in slots], width - AXIS)
    labels = tuple(day(slot.number * DAY_MS) for slot in (slots[0], slots[len(slots) // 2], slots[-1])) if slots else ()
    labels = labels if len(values) > 2 else labels[:1]
    squeeze = len(slots) / max(1, len(values))
    words = f"{len(slots)} days" + (f", means of {squeeze:.1f} a column" if squeeze > 1 else "")
    return content(column_chart(Columns(values, bought, labels, "conv"), width, height)), words


def hours_box(asked: BackgroundQuery[Breakdown], now: float, width: int, height: int) -> Content:
    """Sessions by the hour of the day in which they began."""
    if asked.figure is None:
        return content([[(line, style)] for line, style in _nothing_yet(asked, now, width)])
    slots = asked.figure.value.hours
    values = [float(slot.sessions) for slot in slots]
    bought = [float(slot.purchase_sessions) for slot in slots]
    return content(column_chart(Columns(values, bought, ("0", "6", "12", "18", "23"), "conv"), width, height))


def count_state(asked: BackgroundQuery[OrderedFunnel], now: float) -> str:
    """How old it is, or how long it has been counting, and the key for more."""
    if asked.asking_since is not None:
        return f"counting {seconds(now - asked.asking_since)} · o cancels"
    return "o counts it now"


def _age_note(asked: BackgroundQuery[OrderedFunnel], now: float) -> str:
    if asked.error:
        return f"could not be counted: {asked.error}"
    if asked.figure is None:
        return ""
    age = asked.figure.age(now)
    return f"as of {seconds(age)} ago" if age >= 1 else "as of now"


def _nothing_yet(
    asked: BackgroundQuery[OrderedFunnel] | BackgroundQuery[Breakdown], now: float, width: int
) -> list[tuple[str, str]]:
    if asked.asking_since is not None:
        return [(clip(f"counting {seconds(now - asked.asking_since)}", width), BUSY)]
    if asked.error:
        return [(clip(f"could not be counted: {asked.error}", width), FAILED)]
    return [("cancelled" if asked.cancelled else "not counted yet", DIM)]


def _with_empty_days(days: tuple[FunnelSlot, ...]) -> list[FunnelSlot]:
    """Adds days without sessions, unless they are too many: event times may lie centuries apart."""
    if not days or days[-1].number - days[0].number > MOST_DAYS:
        return list(days)
    empty = replace(days[0], sessions=0, cart_sessions=0, purchase_sessions=0)
    known = {slot.number: slot for slot in days}
    return [known.get(n, replace(empty, number=n)) for n in range(days[0].number, days[-1].number + 1)]
