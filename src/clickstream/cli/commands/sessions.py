"""`analytics` and `sessions`: what is stored, as figures and one by one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.output import NOTHING, Block, Table, TextLine, exact, seconds
from clickstream.cli.types import LIMIT

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.actions.funnel import DetailedAnalytics, FunnelSlot
    from clickstream.actions.sessions import SessionList, Visitor

DAY_SECONDS = 86_400

LAST_DAYS = 31
"""Days that are printed; JSON has all."""

_NONE = {
    "open": "no session may still grow",
    "longest": "no sessions",
    "newest": "no sessions",
    "converted": "no session with a purchase",
}


@command("analytics")
@click.option(
    "--detail",
    is_flag=True,
    help="Also sessions by day and by hour, and how many (visitor, item) pairs went from view to cart to purchase,"
    " with the median time between. Reads all events.",
)
def analytics(detail: bool, as_json: bool) -> int:

    if detail:
        from clickstream.actions.funnel import detailed

        output.show(detailed(current_settings()), details, as_json=as_json)
    else:
        from clickstream.actions.analytics import analytics as action

        output.show(action(current_settings()), figures, as_json=as_json)
    return ExitCode.DONE


@command("sessions list")
@click.option("--newest", "kind", flag_value="newest", default=True, help="Those that began last: the default.")
@click.option("--longest", "kind", flag_value="longest", help="The longest first. Reads all sessions.")
@click.option("--converted", "kind", flag_value="converted", help="Those with a purchase, the newest first.")
@click.option("--open", "kind", flag_value="open", help="Those that a next event could still extend.")
@click.option("--limit", type=LIMIT, default=20, metavar="N", show_default=True, help="How many at most.")
def list_(kind: str, limit: int, as_json: bool) -> int:
    from clickstream.actions import sessions as action

    found = action.list_sessions(current_settings(), action.SessionKind(kind), limit)
    if as_json:
        output.write_json(action.document(found))
    else:
        output.write(session_table(found))
    return ExitCode.DONE


@command("sessions show")
@click.argument("visitor", type=int, metavar="VISITOR", help="The visitor's id.")
def show(visitor: int, as_json: bool) -> int:
    from clickstream.actions import sessions as action

    output.show(action.show(current_settings(), visitor), visitor_sessions, as_json=as_json)
    return ExitCode.DONE


def figures(found: Analytics | DetailedAnalytics) -> list[Block]:
    windows = [("all time", found.all_time), ("last 30 days", found.last_month), ("last day", found.last_day)]
    headers = (
        "window",
        "sessions",
        "with cart",
        "with purchase",
        "purchases",
        "conversion",
        "abandoned",
        "items/purchase",
    )
    rows = [
        (
            name,
            exact(funnel.sessions),
            exact(funnel.cart_sessions),
            exact(funnel.purchase_sessions),
            exact(funnel.total_purchases),
            f"{funnel.conversion_rate:.2f} %",
            f"{funnel.cart_abandonment:.2f} %",
            f"{funnel.avg_items_per_purchase:.2f}",
        )
        for name, funnel in windows
    ]
    items = [
        (str(item.item_id), exact(item.views), exact(item.carts), exact(item.purchases)) for item in found.top_items
    ]
    drop = ("items/purchase", "purchases", "abandoned", "with cart", "with purchase")
    return [Table(headers, rows, drop=drop), TextLine(""), Table(("item", "views", "carts", "purchases"), items)]


def details(found: DetailedAnalytics) -> list[Block]:
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
        *figures(found),
        TextLine(""),
        Table(
            ("of one item, by one visitor", "pairs", "of the step before", "median wait"),
            steps,
            drop=("median wait", "of the step before"),
        ),
        TextLine(""),
        *([TextLine(f"{left_out} days before these: see --json")] if left_out else []),
        Table(("day (UTC)", *headers), days),
        TextLine(""),
        Table(("hour (UTC)", *headers), hours),
    ]


def _counts(slot: FunnelSlot) -> tuple[str, ...]:
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


def visitor_sessions(found: Visitor) -> list[Block]:
    if not found.events:
        return [TextLine(f"nothing is stored of visitor {found.visitor_id}")]
    headers = ("session", "start", "seconds", "events", "views", "carts", "purchases", "converted")
    rows = [
        (
            session.session_id,
            session.session_start,
            exact(session.duration_seconds),
            exact(session.event_count),
            exact(session.view_count),
            exact(session.cart_count),
            exact(session.transaction_count),
            "yes" if session.converted else "no",
        )
        for session in found.sessions
    ]
    events = [
        (event.event_time, event.event, str(event.item_id), str(event.transaction_id or "")) for event in found.events
    ]
    return [
        Table(headers, rows, drop=("seconds", "views", "carts", "converted", "events", "purchases")),
        TextLine(""),
        Table(("time", "event", "item", "transaction"), events, drop=("transaction",)),
    ]


def session_table(found: SessionList) -> list[Block]:
    """A row a session, each with the visitor for `sessions show`."""
    if not found.sessions:
        return [TextLine(_NONE[found.kind])]
    headers = ("visitor", "start", "end", "duration", "events", "views", "carts", "purchases")
    rows = [
        (
            str(one.visitor_id),
            one.session_start,
            one.session_end,
            seconds(one.duration_seconds),
            exact(one.event_count),
            exact(one.view_count),
            exact(one.cart_count),
            exact(one.transaction_count),
        )
        for one in found.sessions
    ]
    more = [TextLine(f"the first {found.limit:,}; --limit shows more")] if found.cut else []
    return [
        Table(headers, rows),
        *more,
        TextLine(f"`clickstream sessions show {found.sessions[0].visitor_id}` shows a visitor's sessions and events"),
    ]
