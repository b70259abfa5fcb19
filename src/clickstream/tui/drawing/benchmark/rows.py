"""The table of benchmarks, a row a case: its columns at each width, and its cells."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clickstream.tui.benchmarks import Benchmark
from clickstream.tui.drawing.benchmark.bars import short
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, FAILED, OKAY, StateStyle
from clickstream.tui.drawing.text import NOTHING, exact, milliseconds, number

if TYPE_CHECKING:
    from clickstream.actions.benchmark.series import Summary

NORMAL, WIDE = 116, 160

VERIFIED, DIFFERS = StateStyle("●", "ok", OKAY), StateStyle("✖", "wrong", FAILED)

PARTS = ("consumers", "kafka", "postgresql")
"""What a benchmark measures the CPU of."""

_ALL: tuple[tuple[Column, int, int], ...] = (
    (Column("when", width=11), 0, WIDE),
    (Column("when", width=16), WIDE, 0),
    (Column("kind", width=6), 0, WIDE),
    (Column("mode", width=5), WIDE, 0),
    (Column("order", width=6), WIDE, 0),
    (Column("p", right=True, width=2), 0, 0),
    (Column("events", right=True, width=6), 0, WIDE),
    (Column("events", right=True, width=10), WIDE, 0),
    (Column("runs", right=True, width=4), NORMAL, 0),
    (Column("events/s", right=True, width=8), 0, 0),
    (Column("min", right=True, width=6), NORMAL, 0),
    (Column("max", right=True, width=6), NORMAL, 0),
    (Column("COPY", right=True, width=6), WIDE, 0),
    (Column("ratio", right=True, width=5), 0, 0),
    (Column("us/ev", right=True, width=5), 0, NORMAL),
    (Column("us cons", right=True, width=7), NORMAL, 0),
    (Column("kafka", right=True, width=5), NORMAL, 0),
    (Column("pg", right=True, width=4), NORMAL, 0),
    (Column("peak", right=True, width=7), WIDE, 0),
    (Column("p99", right=True, width=6), 0, 0),
    (Column("verify", width=7), 0, 0),
)
"""Each column with the least width of the terminal that shows it, and the width from which it is gone (0: never)."""


def columns_for(width: int) -> tuple[Column, ...]:
    return tuple(_ALL[index][0] for index in _shown(width))


def benchmark_cells(shown: Benchmark, case: Summary, width: int) -> tuple[Cell, ...]:
    """The cells of one case, for the columns of that width."""
    at = shown.record.at if shown.record else float("inf")
    kind = case.case.mode if case.case.mode == "live" else "drain" if case.case.order == "sorted" else case.case.order
    verify = VERIFIED if case.verified else DIFFERS
    all_us = sum(case.cpu_us.values())
    cells = (
        Cell(when(shown, "%m-%d %H:%M"), at, ACCENT if shown.record is None else DIM),
        Cell(when(shown, "%Y-%m-%d %H:%M"), at, ACCENT if shown.record is None else DIM),
        Cell(kind, kind),
        Cell(case.case.mode, case.case.mode),
        Cell(case.case.order, str(case.case.order)),
        Cell(str(case.case.partitions), case.case.partitions, "bold"),
        Cell(short(case.case.events), case.case.events),
        Cell(exact(case.case.events), case.case.events),
        Cell(str(case.runs), case.runs, DIM),
        Cell(number(case.median, "/s"), case.median, "bold" if case.sustained else BUSY),
        Cell(number(case.minimum), case.minimum, DIM),
        Cell(number(case.maximum), case.maximum, DIM),
        Cell(number(case.limit), case.limit, DIM),
        Cell(f"{case.ratio:.2f}", case.ratio, ACCENT),
        Cell(_us(all_us), all_us),
        *(Cell(_us(case.cpu_us.get(part, 0.0)), case.cpu_us.get(part, 0.0)) for part in PARTS),
        Cell(number(case.peak_rss_bytes, "B"), case.peak_rss_bytes, DIM),
        Cell(milliseconds(case.latency_ms.get("p99")) if case.latency_ms else "", case.latency_ms.get("p99", 0.0)),
        Cell(f"{verify.glyph} {verify.word}", verify.word, verify.style),
    )
    return tuple(cells[index] for index in _shown(width))


def when(shown: Benchmark, pattern: str) -> str:
    """When it began, on this machine's clock."""
    if shown.record is None:
        return "now"
    try:
        return time.strftime(pattern, time.localtime(shown.record.at))
    except (ValueError, OverflowError, OSError):  # the file may say anything
        return NOTHING


def _us(value: float) -> str:
    """Microseconds."""
    return f"{value:.1f}" if value else NOTHING


def _shown(width: int) -> list[int]:
    return [index for index, (_, least, gone) in enumerate(_ALL) if least <= width and not 0 < gone <= width]
