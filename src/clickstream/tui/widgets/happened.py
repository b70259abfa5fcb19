"""What happened, newest first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.states import DIM, HAPPENING
from clickstream.tui.text import clock
from clickstream.tui.widgets.pieces import Row, content, fit

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame


def happened(frame: Frame, width: int, height: int) -> Content:
    if not frame.happenings:
        return content([[("nothing yet", DIM)]])
    lines: list[Row] = []
    for entry in frame.happenings[:height]:
        look = HAPPENING[entry.level]
        lines.append(
            fit([(f"{clock(entry.at)} ", DIM), (f"{look.glyph} ", look.style), (entry.text, look.style)], width)
        )
    return content(lines)
