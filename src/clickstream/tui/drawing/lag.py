"""Lag by partition with its direction, and the end-to-end latency below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.actions.observe.model import LAGGING, OK, STALLED, STOPPED, UP
from clickstream.tui.drawing.ages import age as age_words
from clickstream.tui.drawing.pieces import Piece, Row, content, fit, spread
from clickstream.tui.drawing.span import span
from clickstream.tui.drawing.states import ACCENT, DIM, FAILED, PARTITION, TITLES, TREND, service_style
from clickstream.tui.drawing.text import (
    NOTHING,
    UNKNOWN,
    area,
    bar,
    clock,
    exact,
    milliseconds,
    number,
    percent,
    seconds,
)

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, PartitionRow

HOT = 1.15
"""Times the even share from which a partition is hot."""


def lag_box(frame: Frame, width: int, height: int) -> Content:
    """As many partitions as fit; those furthest behind stay."""
    if not frame.partitions:
        return content([[(no_partitions(frame), DIM)]])
    room = max(1, height - 2) if height > 3 else height
    rows = list(frame.partitions)
    if len(rows) > room:
        rows = sorted(sorted(rows, key=lambda row: -row.lag)[: room - 1], key=lambda row: row.partition)
    most = max((row.lag for row in rows), default=0)
    lines: list[Row] = [_bar_line(frame, row, most, width) for row in rows]
    if len(rows) < len(frame.partitions):
        rest = sum(row.lag for row in frame.partitions if row not in rows)
        lines.append(fit([(f"+{len(frame.partitions) - len(rows)} more, {exact(rest)} behind", DIM)], width))
    if height > 3:
        lines += _over_time(frame, width, height - 1 - len(lines))
        lines.append(_latency(frame, width))
    return content(lines)


def no_partitions(frame: Frame) -> str:
    """Why nothing is known of them."""
    if frame.topic_exists is False:
        return "no topic yet"
    rows = [frame.service(name) for name in ("kafka", "postgresql")]
    row = next((row for row in rows if row.state != UP), rows[0])
    return f"{TITLES[row.name]}: {service_style(row).word}"


def _over_time(frame: Frame, width: int, height: int) -> list[Row]:
    """The lag of all partitions over the last minutes, in the room that is left."""
    shown = span(frame)
    values = frame.history.lag[-shown:]
    top = max((value for value in values if not math.isnan(value)), default=0.0)
    if height < 5 or top <= 0:
        return [[] for _ in range(height)]
    padded = (0.0,) * (shown - len(values)) + values
    watched = len(values) >= shown
    begin = f"-{shown // 60} min" if watched else f"watched since {clock(frame.history.at[-len(values)])}"
    label = spread([(begin, DIM)], [(f"most {exact(int(top))}   now", DIM)], width)
    return [[], *([(line, "$secondary 60%")] for line in area(padded, width, height - 3, top)), label, []]


def _bar_line(frame: Frame, row: PartitionRow, most: int, width: int) -> Row:
    old = age_words(row.as_of, frame.at)
    words = _words(frame, row) if width >= 40 else ""
    tail: list[Piece] = [
        (f"{exact(row.lag) if width >= 36 else number(row.lag):>9} ", DIM if old else ""),
        (TREND[row.trend] if frame.rates_known else UNKNOWN, _trend_style(row)),
    ]
    if width >= 40:
        tail.append(
            (
                f" {old or words:<14}",
                DIM if old or row.state == OK else PARTITION[row.state].style,
            )
        )
    name = f"p{row.partition:<2} "
    length = max(3, width - len(name) - sum(len(text) for text, _ in tail))
    style = {OK: ACCENT, LAGGING: "$warning", STALLED: FAILED, STOPPED: "$warning"}[row.state]
    return [(name, DIM), (bar(row.lag / most if most else 0.0, length), "$foreground 30%" if old else style), *tail]


def _words(frame: Frame, row: PartitionRow) -> str:
    if row.held_from is not None:
        return "transaction"
    if row.state in {STALLED, STOPPED}:
        return "foreign owner" if row.foreign_owner else row.state
    if row.silent:
        return "owner silent"
    even = 1 / len(frame.partitions)
    if len(frame.partitions) > 1 and row.share > HOT * even and row.rate_in > 0:
        return f"hot +{percent(row.share / even - 1, 1, 0)}"
    if row.lag and row.seconds_to_drain is not None and (row.state != OK or row.trend == "shrinking"):
        return f"drains {seconds(row.seconds_to_drain)}"
    return "LAGGING" if row.state == LAGGING else ""


def _trend_style(row: PartitionRow) -> str:
    return "$warning" if row.trend == "growing" and row.state != OK else DIM


def _latency(frame: Frame, width: int) -> Row:
    if frame.latency is None:
        return spread([("latency", DIM)], [(NOTHING, DIM)], width)
    pieces: Row = [("latency  ", DIM)] if width >= 48 else []
    for name in ("p50", "p95", "p99"):
        pieces += [(f"{name} ", DIM), (f"{milliseconds(getattr(frame.latency, name))}  ", "bold")]
    return fit(pieces, width)
