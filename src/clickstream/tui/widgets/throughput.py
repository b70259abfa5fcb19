"""Throughput over the last five minutes: stored as an area, produced as a line, faults as marks. Draws with plotext."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.color import Color
from textual_plotext import PlotextPlot

from clickstream.tui.text import NOTHING, number

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame

SPAN = 300
"""Seconds that the plot shows."""


class ThroughputPlot(PlotextPlot):
    """The plot."""

    def __init__(self, *, classes: str = "box", id: str | None = None) -> None:  # noqa: A002
        super().__init__(classes=classes, id=id)
        self._key: tuple[object, ...] = ()
        self._frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        self._frame = frame
        now = f"{number(frame.produced_per_second, '/s')} produced · {number(frame.stored_per_second, '/s')} stored"
        self.border_title = "events/s"
        self.border_subtitle = now if frame.partitions else NOTHING
        moved = any(value > 0 for value in (*frame.history.produced, *frame.history.stored) if not math.isnan(value))
        key = (frame.history.at[-1:] if moved else (), self.size)
        if key != self._key:
            self._key = key
            self._plot_frame(frame)
            self.refresh()

    def on_resize(self) -> None:
        if self._frame is not None:
            self._key = ()
            self.show(self._frame)

    def _plot_frame(self, frame: Frame) -> None:
        plt = self.plt
        plt.clear_figure()
        plt.frame(False)
        history, now = frame.history, frame.at
        since = [at - now for at in history.at]
        stored = [0.0 if math.isnan(value) else value for value in history.stored]
        produced = [0.0 if math.isnan(value) else value for value in history.produced]
        top = max([*stored, *produced, 1.0])
        if since:
            plt.plot(since, stored, fillx=True, marker="hd", color=self._colour("accent"))
            plt.plot(since, produced, marker="braille", color=self._colour("foreground"))
        for entry in frame.happenings:
            if entry.mark and now - entry.at < SPAN:
                bad = entry.level == "bad"
                plt.vline(entry.at - now, self._colour("error" if bad else "success" if entry.level == "good" else "warning"))
        plt.xlim(-SPAN, 0)
        plt.ylim(0, top * 1.1)
        plt.xticks([-300, -240, -180, -120, -60, 0], ["-5 min", "-4", "-3", "-2", "-1", "now"])
        plt.yticks([0, top / 2, top], ["0", number(top / 2), number(top)])

    def _colour(self, name: str) -> tuple[int, int, int]:
        red, green, blue = Color.parse(self.app.theme_variables[name]).rgb
        return red, green, blue


