"""The line above the keys: the one most important thing, or, while a job runs, how far that is. Asks nobody."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.headline import headline
from clickstream.tui.states import ACCENT, DIM
from clickstream.tui.text import bar, clip, number, seconds
from clickstream.tui.widgets.line import Line

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame
    from clickstream.tui.jobs import Job

BYTES = 10_000_000
"""Totals from which a job counts what is shown as k and M."""


class StatusBar(Line):
    """The status line."""

    DEFAULT_CSS = """
    StatusBar { height: 1; width: 100%; padding: 0 1; text-wrap: nowrap; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None
        self._job: Job | None = None

    def show(self, frame: Frame) -> None:
        self._frame = frame
        self._draw()

    def show_job(self, job: Job | None) -> None:
        self._job = job
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if self._job is not None:
            self.put(progress(self._job, width, time.monotonic() - self._job.began))
        elif self._frame is not None:
            self.put(sentence(self._frame, width, read_only=getattr(self.app, "read_only", False)))


def sentence(frame: Frame, width: int, *, read_only: bool = False) -> Content:
    """The headline and its keys; in a read-only session only those that open a screen."""
    found = headline(frame)
    if read_only:
        keys = [key for key in found.hint.split(" · ") if key[:1].isdigit() or key[:1] == "?"]
        found = replace(found, hint=" · ".join(keys))
    joint = " " if found.text.endswith(".") else " · "
    hint = joint + found.hint if found.hint else ""
    return Content.assemble((clip(found.text, max(10, width - len(hint))), found.style), (hint, ACCENT))


def progress(job: Job, width: int, elapsed: float) -> Content:
    """`words ▇▇▇▇ 43 %  61.2 k/s  12 s left · esc cancel`."""
    end = "cancelling" if job.cancelled else "esc cancel"
    if not job.total:
        words = clip(job.words, max(10, width - 24))
        return Content.assemble((words, ""), (f"  {seconds(elapsed)}", DIM), (f" · {end}", ACCENT))
    share = min(1.0, job.done / job.total)
    rate = job.done / elapsed if elapsed > 0 else 0.0
    left = seconds((job.total - job.done) / rate) + " left" if rate > 0 and elapsed > 1 else ""
    tail = f" {share:4.0%}  {number(rate, '/s'):>8}  {left}"
    room = max(6, min(40, width // 3))
    words = clip(job.words, max(10, width - room - len(tail) - len(end) - 6))
    return Content.assemble((words + "  ", ""), (bar(share, room), ACCENT), (tail, DIM), (f" · {end}", ACCENT))
