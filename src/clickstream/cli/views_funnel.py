"""How the detailed analytics read as text: takes the action's result and gives blocks for output. Prints nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clickstream.cli import views
from clickstream.cli.output import NOTHING, Block, Line, Table, exact, seconds

if TYPE_CHECKING:
    from clickstream.actions.funnel import Detailed, Slot

DAY_SECONDS = 86_400

LAST_DAYS = 31
"""Days that are printed; JSON has all."""


def detailed(found: Detailed) -> list[Block]:
    headers = ("sessions", "with cart", "with purchase")
    days = [(_day(slot.number), *_counts(slot)) for slot in found.by_day[-LAST_DAYS:]]
    hours = [(f"{slot.number:02d}", *_counts(slot)) for slot in found.by_hour]
    left_out = len(found.by_day) - len(days)
    ordered = found.ordered_funnel
    steps = [
        ("a view", exact(ordered.viewed), NOTHING, NOTHING),
        (
            "then a cart",
            exact(ordered.carted),
            _percent(ordered.carted, ordered.viewed),
            _wait(ordered.seconds_to_cart),
        ),
        (
            "then a purchase",
            exact(ordered.bought),
            _percent(ordered.bought, ordered.carted),
            _wait(ordered.seconds_to_purchase),
        ),
    ]
    return [
        *views.analytics(found),
        Line(""),
        Table(
            ("of one item, by one visitor", "pairs", "of the step before", "median wait"),
            steps,
            drop=("median wait", "of the step before"),
        ),
        Line(""),
        *([Line(f"{left_out} days before these: see --json")] if left_out else []),
        Table(("day (UTC)", *headers), days),
        Line(""),
        Table(("hour (UTC)", *headers), hours),
    ]


def _counts(slot: Slot) -> tuple[str, ...]:
    return exact(slot.sessions), exact(slot.cart_sessions), exact(slot.purchase_sessions)


def _day(number: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(number * DAY_SECONDS))
    except (ValueError, OverflowError, OSError):  # event times reach further than calendars
        return f"day {number}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else NOTHING


def _wait(value: float | None) -> str:
    return NOTHING if value is None else seconds(value)
