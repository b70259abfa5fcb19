"""Throughput over the last five minutes: stored as an area, produced as a line, faults as marks. Draws with plotext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import RenderResult
from textual.color import Color
from textual_plotext import PlotextPlot

from clickstream.actions.frame import BAD, GOOD, INFO, WARN
from clickstream.tui.text import NOTHING, number
from clickstream.tui.widgets.span import span

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame


MARKS = {BAD: "error", GOOD: "success", WARN: "warning", INFO: "secondary"}
"""Theme colours of the marks."""


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
        moved = any(value > 0 for value in (*frame.history.produced, *frame.history.stored))
        key = (frame.history.at[-1:] if moved else (), self.size)
        if key != self._key:
            self._key = key
            self._plot_frame(frame)
            self.refresh()

    def on_resize(self) -> None:
        if self._frame is not None:
            self._key = ()
            self.show(self._frame)

    def render(self) -> RenderResult:
        """Draw on the screen's own background; the library would paint one of its own."""
        width, height = self.size
        self.plt.plotsize(width, height)
        self.plt._set_size(width, height)  # plotsize alone does not always take: see PlotextPlot.render
        self.plt.canvas_color("default")
        self.plt.axes_color("default")
        self.plt.ticks_color(self._colour("secondary"))
        return Text.from_ansi(self.plt.build())

    def _plot_frame(self, frame: Frame) -> None:
        plt = self.plt
        plt.clear_figure()
        plt.frame(False)
        history, now, shown = frame.history, frame.at, span(frame)
        for since, values in _runs(history.at, history.produced, now, shown):
            plt.plot(since, values, marker="braille", color=self._colour("foreground"))
        for since, values in _runs(history.at, history.stored, now, shown):
            plt.plot(since, values, fillx=True, marker="hd", color=self._colour("accent"))
        for entry in frame.happenings:
            if entry.mark and now - entry.at < shown:
                plt.vline(entry.at - now, self._colour(MARKS[entry.level]))
        known = [value for value in (*history.produced[-shown:], *history.stored[-shown:]) if value > 0]
        top = max(known, default=1.0)
        plt.xlim(-shown, 0)
        plt.ylim(0, top * 1.1)
        minutes = list(range(shown // 60, 0, -1))
        plt.xticks([*(-60 * minute for minute in minutes), 0], [*(f"-{minute} min" for minute in minutes), "now"])
        plt.yticks(
            [0, top / 2, top], [f"{number(value) if value and known else '0':>6} " for value in (0, top / 2, top)]
        )

    def _colour(self, name: str) -> tuple[int, int, int]:
        red, green, blue = Color.parse(self.app.theme_variables[name]).rgb
        return red, green, blue


def _runs(
    at: Sequence[float], values: Sequence[float], now: float, shown: int
) -> Iterator[tuple[list[float], list[float]]]:
    """The stretches in which something flowed, as (seconds before now, values); what lies between is left blank."""
    since: list[float] = []
    run: list[float] = []
    for when, value in zip(at[-shown:], values[-shown:], strict=True):
        if value > 0:  # NaN is not
            since.append(when - now)
            run.append(value)
        elif run:
            yield since, run
            since, run = [], []
    if run:
        yield since, run
