"""Throughput over the last minutes: stored as an area, before it duplicates and rejects as another one, produced as a
line, faults as marks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from clickstream.actions.observe.model import BAD, GOOD, INFO, WARN
from clickstream.tui.drawing.headline import outcomes
from clickstream.tui.drawing.lag import no_partitions
from clickstream.tui.drawing.span import LONGEST as KEPT
from clickstream.tui.drawing.span import span
from clickstream.tui.drawing.text import clock, number, rate
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.plot_box import PlotBox

if TYPE_CHECKING:
    from textual_plotext import Plot

    from clickstream.actions.observe.model import Frame, History

IDLE_EVERY = 5.0
"""Seconds from drawing to drawing while nothing flows and the past only moves to the left."""

WORDS_FROM = 44
"""Cells from which there is room for words beside figures."""
ROOMY = 62
"""Cells of the box from which its title has room for two remarks."""

FIRST_LOOKS = 5
"""Frames until the first rates are known: they take two looks."""

MARKS = {BAD: "error", GOOD: "success", WARN: "warning", INFO: "secondary"}
"""Theme colours of the marks."""


class ThroughputPlot(PlotBox):
    """The plot. Nothing on the screen costs more, so it is drawn again only when it has moved by a column."""

    _frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        self._frame = frame
        flows = (frame.produced_per_second or 0) > 0 or (frame.read_per_second or 0) > 0
        now = _now(frame, self.size.width)
        history = frame.history
        marked = any(entry.mark and frame.at - entry.at < span(frame) for entry in frame.happenings)
        flowed = any(value > 0 for value in (*history.produced, *history.stored, *history.not_new))  # NaN is not
        moves = any(value > 0 for value in (*history.produced[-5:], *history.stored[-5:], *history.not_new[-5:]))
        column = max(1.0, span(frame) / max(1, self.content_size.width))
        step = column if moves else max(column, IDLE_EVERY)
        newest = next((entry for entry in frame.happenings if entry.mark), None)
        watched = bool(history.at) and frame.at - history.at[0] < span(frame) - FIRST_LOOKS
        title = f"events/s · watched since {clock(history.at[0])}" if flowed and watched else "events/s"
        if flowed and marked and (self.size.width >= ROOMY or not watched):
            title += " · │ what happened"
        set_titles(self, title, now if flows else "nothing flows now" if frame.partitions else "")
        nothing = "" if flowed else nothing_flowed(history) or no_partitions(frame)
        if self.is_new((frame.at // step, newest) if flowed else nothing):
            edge = (frame.at // column + 1) * column
            self.draw(nothing or partial(self._lines, frame, edge, column))

    def show_again(self) -> None:
        if self._frame is not None:
            self.show(self._frame)

    async def on_click(self) -> None:
        await self.app.run_action("app.mode('partitions')")

    def _lines(self, frame: Frame, edge: float, column: float, plt: Plot) -> None:
        history, shown = frame.history, span(frame)
        produced = list(_runs(history.at, history.produced, edge, column, shown))
        stored = list(_runs(history.at, history.stored, edge, column, shown))
        read = list(_runs(history.at, _with_not_new(frame), edge, column, shown))
        for since, values in produced:
            plt.plot(since, values, marker="braille", color=self.colour("foreground"))
        for since, values in read:
            plt.plot(since, values, fillx=True, marker="hd", color=self.colour("secondary"))
        for since, values in stored:
            plt.plot(since, values, fillx=True, marker="hd", color=self.colour("accent"))
        for entry in frame.happenings:
            if entry.mark and edge - entry.at < shown:
                plt.vline(min(0.0, entry.at - edge), self.colour(MARKS[entry.level]))
        _scale(plt, shown, max((max(values) for _, values in (*produced, *read, *stored)), default=0.0))


def _now(frame: Frame, width: int) -> str:
    """What is produced and what becomes of it, in words where there is room for them."""
    words = [f"{rate(frame.produced_per_second)} produced", *outcomes(frame)]
    while len(words) > 2 and len(" · ".join(words)) > width - 4:
        words.pop()
    if width >= WORDS_FROM:
        return " · ".join(words)
    return f"{rate(frame.produced_per_second)} → {rate(frame.stored_per_second)}"


def _with_not_new(frame: Frame) -> tuple[float, ...]:
    """What was read a second, where some of it made no new event; else 0."""
    history = frame.history
    not_new = history.not_new or (0.0,) * len(history.at)
    return tuple(stored + rest if rest > 0 else 0.0 for stored, rest in zip(history.stored, not_new, strict=True))


def nothing_flowed(history: History) -> str:
    """What to say where nothing has flowed as far as is known; empty: nothing is known."""
    rates = zip(history.produced, history.stored, strict=True)
    known = [not (math.isnan(produced) or math.isnan(stored)) for produced, stored in rates]
    if not any(known):
        return ""
    first = known.index(True)
    words = f"nothing {'has flowed' if all(known[first:]) else 'was seen to flow'} since {clock(history.at[first])}"
    opened = first < FIRST_LOOKS and len(history.at) < KEPT
    return f"{words}, when this dashboard opened" if opened else words


def _scale(plt: Plot, shown: int, highest: float) -> None:
    top = highest or 1.0
    plt.xlim(-shown, 0)
    plt.ylim(0, top * 1.1)
    minutes = list(range(shown // 60, 0, -1))
    plt.xticks([*(-60 * minute for minute in minutes), 0], [*(f"-{minute} min" for minute in minutes), "now"])
    plt.yticks([0, top / 2, top], [f"{number(value) if value and highest else '0':>6} " for value in (0, top / 2, top)])


def _runs(
    at: Sequence[float], values: Sequence[float], edge: float, column: float, shown: int
) -> Iterator[tuple[list[float], list[float]]]:
    """The stretches in which something flowed, as (seconds before `edge`, means of a column each); what lies between
    is left blank. Columns are the same from drawing to drawing, so that the picture moves and does not shimmer."""
    columns: dict[int, list[float]] = {}
    for when, value in zip(at[-shown:], values[-shown:], strict=True):
        columns.setdefault(int((when - edge) // column), []).append(value if value > 0 else 0.0)  # NaN is not
    since: list[float] = []
    run: list[float] = []
    for place, parts in columns.items():
        mean = sum(parts) / len(parts)
        if mean > 0 and place < 0:
            since.append((place + 1) * column)
            run.append(mean)
        elif run:
            yield since, run
            since, run = [], []
    if run:
        yield since, run
