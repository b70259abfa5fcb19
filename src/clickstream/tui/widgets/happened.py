"""What happened, newest first. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.states import DIM, HAPPENING
from clickstream.tui.text import clock
from clickstream.tui.widgets.pieces import Row, content, fit

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame

HEAD = len("12:00:00 · ")


def happened(frame: Frame, width: int, height: int) -> Content:
    """Broken into as many lines as there are; what has no room ends with a sign."""
    if not frame.happenings:
        return content([[("nothing yet", DIM)]])
    lines: list[Row] = []
    for entry in frame.happenings:
        look, room = HAPPENING[entry.level], height - len(lines)
        if room <= 0:
            break
        words = wrap(entry.text, max(10, width - HEAD)) or [""]
        head: Row = [(f"{clock(entry.at)} ", DIM), (f"{look.glyph} ", look.style)]
        for part in [*words[: room - 1], " ".join(words[room - 1 :])] if len(words) > room else words:
            lines.append(fit([*head, (part, look.style)], width))
            head = [(" " * HEAD, "")]
    return content(lines)
