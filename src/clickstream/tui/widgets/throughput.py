"""Throughput over the last five minutes: stored as an area, produced as a line, faults as marks. Draws with plotext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.color import Color
from textual.widgets import Static

from clickstream.actions.frame import BAD, GOOD, INFO, WARN
from clickstream.tui.text import NOTHING, number
from clickstream.tui.widgets.span import span

if TYPE_CHECKING:
    from textual_plotext.plot import Plot

    from clickstream.actions.frame import Frame


IDLE_EVERY = 5
"""Seconds from drawing to drawing while nothing flows and the past only moves to the left."""

MARKS = {BAD: "error", GOOD: "success", WARN: "warning", INFO: "secondary"}
"""Theme colours of the marks."""


class ThroughputPlot(Static):
    """The plot. The library loads when there is something to plot."""

    _plot: Plot | None = None

    def __init__(self, *, classes: str = "box", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)
        self._key: tuple[object, ...] = ()
        self._frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        self._frame = frame
        produced, stored = number(frame.produced_per_second, "/s"), number(frame.stored_per_second, "/s")
        now = f"{produced} produced · {stored} stored" if self.size.width >= 44 else f"{produced} → {stored}"
        self.border_title = "events/s"
        self.border_subtitle = now if frame.partitions else NOTHING
        key = (self._moment(frame), self.size, self.app.theme)
        if key != self._key:
            self._key = key
            self.update(self._drawn(frame) if key[0] is not None else "", layout=False)

    def on_resize(self) -> None:
        if self._frame is not None:
            self._key = ()
            self.show(self._frame)

    @staticmethod
    def _moment(frame: Frame) -> object:
        """Differs when the plot has to be drawn anew: plotting is the dearest thing on the screen."""
        history = frame.history
        recent = (*history.produced[-5:], *history.stored[-5:])
        if any(value > 0 for value in recent):
            return frame.at
        if any(value > 0 for value in (*history.produced, *history.stored)):
            return frame.at // IDLE_EVERY
        return None

    def _drawn(self, frame: Frame) -> Text:
        from textual_plotext.plot import Plot

        plt = self._plot = self._plot or Plot()
        width, height = self.content_size
        plt.clear_figure()
        plt.plotsize(width, height)
        plt._set_size(width, height)  # plotsize alone does not always take
        # The screen's own background shows through.
        plt.canvas_color("default")
        plt.axes_color("default")
        plt.ticks_color(self._colour("secondary"))
        plt.frame(False)
        self._plot_flows(plt, frame)
        _scale(plt, frame)
        return Text.from_ansi(plt.build(), no_wrap=True)

    def _plot_flows(self, plt: Plot, frame: Frame) -> None:
        history, now, shown = frame.history, frame.at, span(frame)
        for since, values in _runs(history.at, history.produced, now, shown):
            plt.plot(since, values, marker="braille", color=self._colour("foreground"))
        for since, values in _runs(history.at, history.stored, now, shown):
            plt.plot(since, values, fillx=True, marker="hd", color=self._colour("accent"))
        for entry in frame.happenings:
            if entry.mark and now - entry.at < shown:
                plt.vline(entry.at - now, self._colour(MARKS[entry.level]))

    def _colour(self, name: str) -> tuple[int, int, int]:
        red, green, blue = Color.parse(self.app.theme_variables[name]).rgb
        return red, green, blue


def _scale(plt: Plot, frame: Frame) -> None:
    shown, history = span(frame), frame.history
    known = [value for value in (*history.produced[-shown:], *history.stored[-shown:]) if value > 0]
    top = max(known, default=1.0)
    plt.xlim(-shown, 0)
    plt.ylim(0, top * 1.1)
    minutes = list(range(shown // 60, 0, -1))
    plt.xticks([*(-60 * minute for minute in minutes), 0], [*(f"-{minute} min" for minute in minutes), "now"])
    plt.yticks([0, top / 2, top], [f"{number(value) if value and known else '0':>6} " for value in (0, top / 2, top)])


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
