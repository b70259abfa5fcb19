"""The servers: state, version, latency, since when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.actions.observe.model import OFF, UP
from clickstream.tui.states import DIM, TITLES, of_service
from clickstream.tui.text import milliseconds, seconds
from clickstream.tui.widgets.pieces import Piece, Row, content, spread

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, ServiceRow


def services_box(frame: Frame, width: int, height: int) -> Content:
    return content([_line(frame, row, width) for row in frame.services][:height])


def _line(frame: Frame, row: ServiceRow, width: int) -> Row:
    look = of_service(row)
    version = f"  {row.version}" if row.version else ""
    right: list[Piece] = [(milliseconds(row.latency_ms), "bold")] if row.latency_ms is not None else []
    if row.state not in {UP, OFF}:
        right = [(f"since {seconds(frame.at - row.since)}", look.style)]
    return spread(
        [(f"{look.glyph} ", look.style), (f"{TITLES[row.name]:<11}", ""), (look.word, look.style), (version, DIM)],
        right,
        width,
    )
