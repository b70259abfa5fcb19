"""A benchmark as bars: events a second by partitions and by number of events, beside what COPY alone takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.pieces import Piece, Row, content, fit
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM
from clickstream.tui.drawing.text import TICKS, number

if TYPE_CHECKING:
    from clickstream.actions.benchmark.series import Summary
    from clickstream.tui.benchmarks import Benchmark

AXIS = 7
"""Cells left of the bars, for the figures of the axis."""

WIDEST = 12
"""Cells of a bar, and of the space after it."""

LABELLED = 6
"""Cells of a bar from which its figure stands on it."""

SPACES = (2, 1)
"""Cells between two groups, at least: rather two."""

WIDEST_SPACE = 6

STROKES = "▁━▔"
"""The copy limit within a cell: at its foot, in its middle, at its top."""

STROKE = "$foreground"

FAINTEST = 45
"""Per cent of the accent in the bars of the fewest partitions; those of the most have all of it."""


@dataclass(frozen=True, slots=True)
class BarGroup:
    """The bars of one number of events, or of one rate."""

    label: str
    bars: tuple[Summary, ...]
    """By partitions."""

    def width(self, each: int) -> int:
        return max(len(self.bars) * each, len(self.label))


def bars_box(shown: Benchmark, selected: Summary | None, width: int, height: int) -> Content:
    """All groups that fit, the selected one among them."""
    groups = grouped(shown.cases)
    tall, room = height - 2, width - AXIS
    if not groups or tall < 2 or room < LABELLED:
        return content([[("no room for a chart", DIM)]])
    each, space, groups = _fitting(groups, selected, room)
    top = max(max(bar.median, _limit(bar)) for group in groups for bar in group.bars) or 1.0
    scale = Scale(top * tall / (tall - 1) if each >= LABELLED else top, tall)  # a line is left for figures on the bars
    partitions = sorted({bar.case.partitions for bar in shown.cases})
    marks = {scale.level(top): number(top), scale.level(top / 2): number(top / 2), 0: "0"}
    lines: list[Row] = []
    for level in reversed(range(tall)):
        line: Row = [(f"{marks.get(level, ''):>{AXIS - 1}} ", DIM)]
        for group in groups:
            cells = [_cell(bar, level, scale, each, _shade(bar, partitions)) for bar in group.bars]
            line += [piece for cell in cells for piece in cell]
            if group is not groups[-1]:
                line.append((" " * (group.width(each) - len(cells) * each + space), ""))
        lines.append(fit(line, width))
    return content([*lines, *_feet(groups, selected, (each, space), width)])


@dataclass(frozen=True, slots=True)
class Scale:
    """Events a second to cells."""

    top: float
    tall: int

    def eighths(self, value: float) -> int:
        return round(value / self.top * self.tall * len(TICKS))

    def level(self, value: float) -> int:
        """The line in which it ends, counted from below."""
        return max(0, (self.eighths(value) - 1) // len(TICKS))


def grouped(cases: Sequence[Summary]) -> list[BarGroup]:
    """By number of events; live runs at several rates by rate."""
    by_rate = len({one.case.rate for one in cases}) > 1
    groups: dict[float, list[Summary]] = {}
    for one in cases:
        groups.setdefault((one.case.rate or 0.0) if by_rate else one.case.events, []).append(one)
    return [
        BarGroup(short(key) + ("/s" if by_rate else ""), tuple(sorted(bars, key=lambda bar: bar.case.partitions)))
        for key, bars in sorted(groups.items())
    ]


def short(value: float) -> str:
    """In as few characters as possible: `1 M`, `250 k`."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {letter}"
    return f"{value:.3g}"


def _fitting(groups: list[BarGroup], selected: Summary | None, room: int) -> tuple[int, int, list[BarGroup]]:
    """Cells of a bar and of a space, and the groups that are shown: all of them, else those around the selected one."""
    for each in range(WIDEST, 0, -1):
        for space in SPACES:
            if (left := room - _width(groups, each, space)) >= 0:
                return each, min(WIDEST_SPACE, space + left // max(1, len(groups) - 1)), groups
    first = last = next((place for place, group in enumerate(groups) if selected in group.bars), len(groups) - 1)
    while True:
        grown = [(first - 1, last), (first, last + 1)]
        fits = [
            (low, high)
            for low, high in grown
            if low >= 0 and high < len(groups) and _width(groups[low : high + 1], 1, SPACES[0]) <= room
        ]
        if not fits:
            return 1, SPACES[0], groups[first : last + 1]
        first, last = fits[0]


def _width(groups: Sequence[BarGroup], each: int, space: int) -> int:
    return sum(group.width(each) + space for group in groups) - space


def _limit(bar: Summary) -> float:
    """Live runs are as fast as their producer: the copy limit would only make them small."""
    return bar.limit if bar.case.mode == "drain" else 0.0


def _shade(bar: Summary, partitions: Sequence[int]) -> str:
    if not bar.sustained:
        return BUSY
    place = partitions.index(bar.case.partitions) + 1
    return f"{ACCENT} {round(100 - (100 - FAINTEST) * (1 - place / len(partitions)))}%"


def _cell(bar: Summary, level: int, scale: Scale, each: int, shade: str) -> list[Piece]:
    """What one bar has in one line: itself, the stroke of the copy limit, or its figure."""
    solid = each - 1 if each > 2 else each
    space = (" " * (each - solid), "")
    eighths = scale.eighths(bar.median) - level * len(TICKS)
    limit = scale.eighths(_limit(bar)) - level * len(TICKS)
    if level == 0 and bar.median > 0:
        eighths = max(1, eighths)  # little is not nothing
    is_limit = 0 < limit <= len(TICKS)
    if is_limit and eighths <= 0:
        return [(STROKES[(limit - 1) * len(STROKES) // len(TICKS)] * solid, STROKE), space]
    if eighths > 0:
        tick = TICKS[min(len(TICKS), eighths) - 1] * solid
        # A stroke in the bar's own cell shows against it.
        return [(STROKES[1] * solid, f"{STROKE} on {ACCENT}") if is_limit else (tick, shade), space]
    # Right on the bar, or on the stroke that is there.
    on_bar = scale.level(bar.median) + 1
    if each >= LABELLED and level == on_bar + (scale.level(_limit(bar)) == on_bar):
        return [(f"{number(bar.median):^{solid}}", "bold"), space]
    return [(" " * each, "")]


def _feet(groups: Sequence[BarGroup], selected: Summary | None, cells: tuple[int, int], width: int) -> list[Row]:
    """Below each bar its partitions, below each group its events. `cells`: of a bar, and of a space."""
    each, space = cells
    solid = each - 1 if each > 2 else each
    partitions: Row = [(f"{'parts':>{AXIS - 1}} ", DIM)]
    events: Row = [(f"{'rate' if groups[0].label.endswith('/s') else 'events':>{AXIS - 1}} ", DIM)]
    for group in groups:
        wide, drawn = group.width(each), len(group.bars) * each
        for bar in group.bars:
            count = str(bar.case.partitions)
            shown = f"{count if len(count) <= each else '+':^{solid}}{' ' * (each - solid)}"
            partitions.append((shown, f"bold {ACCENT}" if bar is selected else DIM))
        label = f"{group.label:^{drawn - each + solid}}" if drawn > len(group.label) else group.label
        events.append((label, f"bold {ACCENT}" if selected in group.bars else DIM))
        if group is not groups[-1]:
            partitions.append((" " * (wide - drawn + space), ""))
            events.append((" " * (wide - len(label) + space), ""))
    return [fit(partitions, width), fit(events, width)]
