"""The first line: the product, the topic, and whether messages flow. Draws from a frame only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.headline import flow
from clickstream.tui.drawing.states import ACCENT, DIM, FAILED, OKAY
from clickstream.tui.drawing.text import clip, clock, exact, number
from clickstream.tui.widgets.line import StaticLine

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Figure, Frame
    from clickstream.services.postgres.verify import Verification

ROOMY = 110
"""Cells from which there is room for what a verify was about."""


class HeaderLine(StaticLine):
    """The first line of every screen."""

    DEFAULT_CSS = """
    HeaderLine { height: 1; width: 100%; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        self._frame = frame
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._frame is not None:
            self.put(header(self._frame, self.size.width, read_only=getattr(self.app, "read_only", False)))


def header(frame: Frame, width: int, *, read_only: bool = False) -> Content:
    right = _right(frame, width)
    where = "embedded" if frame.embedded else "own servers"
    left = [("clickstream", f"bold {ACCENT}"), ("  " + where, DIM)]
    if read_only:
        left.append(("  read-only", "$warning"))
    room = width - len(right) - sum(len(text) for text, _ in left) - 4
    if frame.topic and room > 6:
        count = f" · {len(frame.partitions)} partitions" if frame.partitions else ""
        topic = frame.topic + count if len(frame.topic + count) <= room else clip(frame.topic, room)
        left.append(("  " + topic, DIM))
    space = max(1, width - len(right) - sum(len(text) for text, _ in left))
    return Content.assemble(*left, " " * space, right)


def _right(frame: Frame, width: int) -> Content:
    look = flow(frame)
    parts: list[tuple[str, str]] = []
    checked = frame.verification
    if checked is not None and width >= 76:
        found = checked.value
        if found.ok:
            parts.append((f"verify ✓ {clock(checked.at)}", OKAY))
            parts.append((_of_what(frame, checked, width), DIM))
        else:
            parts.append((f"verify ✖ {clock(checked.at)}", FAILED))
        parts.append(("   ", ""))
    parts.append((f"{look.glyph} {look.word}", look.style))
    parts.append((f"  {clock(frame.at)}", DIM))
    return Content.assemble(*parts)


def _of_what(frame: Frame, checked: Figure[Verification], width: int) -> str:
    """What was found; where more has been stored since, up to where that was."""
    events, counts = checked.value.events, frame.counts
    if counts is not None and counts.at > checked.at and counts.value.events > events:
        return f" (at {exact(events)} events)" if width >= ROOMY else f" at {number(events)}"
    return " (0 lost, 0 doubled)" if width >= ROOMY else ""
