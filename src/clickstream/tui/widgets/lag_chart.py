"""Lag by partition over the last hour: a line each, named at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from clickstream.tui.drawing.lag import no_partitions
from clickstream.tui.drawing.text import clock, exact, number
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.plot_box import PlotBox

if TYPE_CHECKING:
    from textual_plotext import Plot

    from clickstream.actions.observe.history import LagHistory
    from clickstream.actions.observe.model import Frame

WINDOWS = {3_600: "the last hour", 600: "the last ten minutes"}
"""Seconds that the chart can show."""

MOST_LINES = 6
"""With more partitions only those furthest behind are drawn."""

COLOURS = ("accent", "warning", "success", "secondary", "foreground", "primary")

ROOMY = 100
"""Cells from which there is room for a tick every sixth of the window, else every third."""

LONGEST_SILENCE = 60.0
"""Seconds between two points beyond which no line joins them."""

SLOWEST = 10.0
"""Seconds from drawing to drawing, at most; else the time after which the lines have moved by a dot."""

Point = tuple[float, int]
"""Unix seconds and lag."""


class LagChart(PlotBox):
    """The chart."""

    _given: tuple[Frame, LagHistory | None, int] | None = None

    def show(self, frame: Frame, past: LagHistory | None, window: int) -> None:
        """Draw the frame's history, and before it what was read of the past; the last `window` seconds of both."""
        self._given = (frame, past, window)
        dot = window / (2 * max(1, self.content_size.width))
        nothing = "no lag known yet" if frame.partitions else no_partitions(frame)
        if self.is_new((frame.at // min(dot, SLOWEST), bool(frame.history.hour), past, window, nothing)):
            lines = lag_lines(frame, past, window)
            unknown = not_watched(lines, frame.at, window)
            set_titles(self, f"lag over {WINDOWS[window]}", peak(lines, unknown))
            drawn = partial(self._lines, lines, frame.at, window)
            self.draw(drawn if any(lines.values()) else nothing)

    def show_again(self) -> None:
        if self._given is not None:
            self.show(*self._given)

    def _lines(self, lines: dict[int, list[Point]], now: float, window: int, plt: Plot) -> None:
        cell = window / max(20, self.content_size.width - 20)
        top = max((lag for points in lines.values() for _, lag in points), default=0) or 1
        for index, (partition, points) in enumerate(lines.items()):
            colour = self.colour(COLOURS[index % len(COLOURS)])
            for part in split_at_silences(points):
                plt.plot([at - now for at, _ in part], [lag for _, lag in part], marker="braille", color=colour)
            if points:
                # Staggered, so that lines which end together do not hide one another's names.
                plt.text(f"p{partition}", cell * (2 + 4 * index), points[-1][1], color=colour, background="default")
        plt.xlim(-window, cell * (2 + 4 * len(lines)))
        plt.ylim(0, top * 1.08)
        # plotext moves crowded labels, and not always in the same way.
        steps = next(
            count for count in ((6, 5, 4) if self.content_size.width >= ROOMY else (3, 2)) if window % (60 * count) == 0
        )
        ticks = [-window * step / steps for step in range(steps, -1, -1)]
        plt.xticks(ticks, [f"{tick / 60:g} min" if tick else "now" for tick in ticks])
        plt.yticks([0, top / 2, top], ["0", number(top / 2), number(top)])


def lag_lines(frame: Frame, past: LagHistory | None, window: int) -> dict[int, list[Point]]:
    """Partition to its points within the window, oldest first; at most MOST_LINES partitions, those with most lag."""
    seen = frame.history.hour
    first = seen[0][0] if seen else frame.at
    lines: dict[int, list[Point]] = {}
    for point in past.points if past else ():
        if point.at < first:
            for partition, lag in point.partitions.items():
                if lag is not None:
                    lines.setdefault(partition, []).append((point.at, lag))
    for at, lags in seen:
        for partition, lag in enumerate(lags):
            lines.setdefault(partition, []).append((at, lag))
    cut = {p: [point for point in points if point[0] >= frame.at - window] for p, points in lines.items()}
    furthest = sorted(cut, key=lambda p: -max((lag for _, lag in cut[p]), default=0))[:MOST_LINES]
    return {partition: cut[partition] for partition in sorted(furthest)}


def split_at_silences(points: Sequence[Point]) -> Iterable[list[Point]]:
    """The points in parts that a line may join."""
    part: list[Point] = []
    for point in points:
        if part and point[0] - part[-1][0] > LONGEST_SILENCE:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def not_watched(lines: dict[int, list[Point]], now: float, window: int) -> str:
    """The part of the window of which nothing is known; empty: there is none."""
    drawn = [points for points in lines.values() if points]
    if not drawn:
        return ""
    first, last = max(points[0][0] for points in drawn), min(points[-1][0] for points in drawn)
    if first - (now - window) > LONGEST_SILENCE:
        return f"not watched before {clock(first)}"
    if now - last > LONGEST_SILENCE:
        return f"not watched since {clock(last)}"
    return "not watched all the time" if any(len(list(split_at_silences(points))) > 1 for points in drawn) else ""


def peak(lines: dict[int, list[Point]], unknown: str) -> str:
    """The highest lag, and the part of the window of which nothing is known."""
    highest = max(((lag, at, p) for p, points in lines.items() for at, lag in points), default=None)
    if highest is None:
        return ""
    lag, at, partition = highest
    words = f"peak {exact(lag)} on p{partition} at {clock(at)}" if lag else "nothing waited"
    return f"{words}; {unknown}" if unknown else words
