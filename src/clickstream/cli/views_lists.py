"""How lists read as text: sessions, log lines. Takes an action's result and gives blocks for output; prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.cli.output import Block, Line, Table, exact, seconds

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine
    from clickstream.actions.sessions import SessionList

_NONE = {
    "open": "no session may still grow",
    "longest": "no sessions",
    "newest": "no sessions",
    "converted": "no session with a purchase",
}


def sessions(found: SessionList) -> list[Block]:
    """A row a session, each with the visitor for `sessions show`."""
    if not found.sessions:
        return [Line(_NONE[found.kind])]
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
    more = [Line(f"the first {found.limit:,}; --limit shows more")] if found.cut else []
    return [
        Table(headers, rows),
        *more,
        Line(f"`clickstream sessions show {found.sessions[0].visitor_id}` shows a visitor's sessions and events"),
    ]


def log_line(line: LogLine, width: int) -> str:
    """One line with the process's name in front, padded to `width`."""
    return f"{line.process:<{width}}  {line.text}"
