"""A chart of columns in eighths of a cell, with a line of rates below and labels at its feet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clickstream.tui.drawing.pieces import Row, fit
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.drawing.text import TICKS, clip, number, percent

AXIS = 7
"""Cells left of the columns, for the figures of the axis."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What to draw, oldest first."""

    values: Sequence[float]
    parts: Sequence[float]
    """A share of each value, shown as a line of its own below."""
    labels: tuple[str, ...]
    """Spread evenly under the columns: the first at the left end, the last at the right end."""
    parts_name: str


def column_chart(columns: Columns, width: int, height: int) -> list[Row]:
    """Exactly `height` rows."""
    count = len(columns.values)
    room = width - AXIS
    if count == 0 or room < 8 or height < 3:
        return [fit([("nothing yet", DIM)], width)]
    each = max(1, min(8, room // count))
    low = 0 if height < 7 else 1 if height < 10 else 2 if height < 14 else 3
    tall = height - low - 1
    top = max(columns.values) or 1.0
    lines = _band(columns.values, top, tall, each, {0: number(top), tall - 1: "0"} if tall > 1 else {0: number(top)})
    if low:
        shares = [part / value if value else 0.0 for part, value in zip(columns.parts, columns.values, strict=True)]
        most = max(shares)
        marks = {0: percent(most, 1, 1)} if low > 1 and most else {}
        # Its top stays below the columns' feet.
        lines += _band(shares, 1.15 * most or 1.0, low, each, {**marks, low - 1: columns.parts_name}, "$success")
    lines.append([(" " * AXIS, ""), (_feet(columns.labels, count * each), DIM)])
    return [fit(line, width) for line in lines]


def squeezed(values: Sequence[float], most: int) -> list[float]:
    """Neighbours averaged so that at most `most` are left."""
    count = len(values)
    if count <= most or most < 1:
        return list(values)
    edges = [round(index * count / most) for index in range(most + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]


def _band(
    values: Sequence[float], top: float, tall: int, each: int, marks: dict[int, str], style: str = ACCENT
) -> list[Row]:
    rows = [_row(values, top, level, tall, each) for level in range(tall - 1, -1, -1)]
    return [[(f"{clip(marks.get(n, ''), AXIS - 1):>{AXIS - 1}} ", DIM), (row, style)] for n, row in enumerate(rows)]


def _row(values: Sequence[float], top: float, level: int, tall: int, each: int) -> str:
    cells = []
    for value in values:
        eighths = round(value / top * tall * len(TICKS)) - level * len(TICKS)
        if value > 0 and level == 0:
            eighths = max(1, eighths)  # little is not nothing
        cell = " " if eighths <= 0 else TICKS[min(len(TICKS), eighths) - 1]
        cells.append(cell * (each - 1) + " " if each > 2 else cell * each)
    return "".join(cells)


def _feet(labels: Sequence[str], width: int) -> str:
    """The labels that fit, the first and last at the ends."""
    if not labels or len(labels[0]) > width:
        return ""
    shown = list(labels)
    while len(shown) > 2 and sum(len(label) + 2 for label in shown) > width:
        shown = [shown[0], *shown[2:-1:2], shown[-1]]
    if len(shown) > 1 and sum(len(label) for label in shown) + len(shown) - 1 > width:
        shown = shown[:1]
    line = [" "] * width
    for index, label in enumerate(shown):
        place = round(index * (width - len(label)) / max(1, len(shown) - 1))
        line[place : place + len(label)] = label
    return "".join(line)
