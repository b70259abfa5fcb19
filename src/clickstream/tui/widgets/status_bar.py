"""The line above the keys: the headline, or, while a job runs, its progress."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.headline import headline
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.drawing.text import bar, clip, number, percent, seconds
from clickstream.tui.widgets.line import StaticLine

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.jobs import Job

ROOMY = 100
"""Cells from which there is room for a rate too."""

SHORTEST, LONGEST = 6, 40
"""Cells of a progress bar."""


class StatusBar(StaticLine):
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
            here = self.app.current_mode
            self.put(sentence(self._frame, width, here=here, read_only=getattr(self.app, "read_only", False)))


def sentence(frame: Frame, width: int, *, here: str = "", read_only: bool = False) -> Content:
    """The headline and its keys, but the one of the screen `here`; in a read-only session only those that open one."""
    found = headline(frame)
    keys = [key for key in found.hint.split(" · ") if key and key.partition(" ")[2] != here]
    if read_only:
        keys = [key for key in keys if key[0].isdigit() or key[0] == "?"]
    joint = " " if found.text.endswith(".") else " · "
    hint = joint + " · ".join(keys) if keys else ""
    return Content.assemble((clip(found.text, max(10, width - len(hint))), found.style), (hint, ACCENT))


def progress(job: Job, width: int, elapsed: float) -> Content:
    """`words ▇▇▇▇ 43 %  61.2 k/s  12 s left · esc cancel`."""
    end = " · cancelling" if job.cancelled else " · esc cancel" if job.command.cancellable else ""
    if not job.total:
        words = clip(job.words, max(10, width - 24))
        return Content.assemble((words, ""), (f"  {seconds(elapsed)}", DIM), (end, ACCENT))
    share = min(1.0, job.done / job.total)
    rate = job.done / elapsed if elapsed > 0 else 0.0
    left = f"  {seconds((job.total - job.done) / rate)} left" if rate > 0 and elapsed > 1 else ""
    tail = f"{percent(share, 1, 0):>6}" + (f"  {number(rate, '/s'):>8}" if width >= ROOMY else "") + left
    room = width - len(tail) - len(end) - 2
    words = clip(job.words, room - SHORTEST)
    drawn = bar(share, min(LONGEST, room - len(words)))
    return Content.assemble((words + "  ", ""), (drawn, ACCENT), (tail, DIM), (end, ACCENT))
