"""The table of servers and workers: its columns at each width, and its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import ACCENT, DIM, FAILED, process_style
from clickstream.tui.drawing.text import NOTHING, exact, number, seconds, spark

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow

SPARK, SPARK_OVER = 12, 60
"""Columns, and the seconds that they show."""

_ALL: tuple[tuple[Column, int], ...] = (
    (Column("name", width=12), 0),
    (Column("role", width=8), 160),
    (Column("host", width=12), 160),
    (Column("state", width=12), 0),
    (Column("pid", right=True, width=6), 90),
    (Column("owns", width=9), 100),
    (Column("events/s", right=True, width=8), 0),
    (Column("", width=SPARK), 116),
    (Column("lag", right=True, width=9), 70),
    (Column("CPU", right=True, width=5), 0),
    (Column("memory", right=True, width=7), 0),
    (Column("restarts", right=True, width=8), 116),
    (Column("up", right=True, width=6), 75),
    (Column("last exit", width=38), 180),
)
"""Each column with the least width of the terminal that shows it."""


def columns_for(width: int) -> tuple[Column, ...]:
    return tuple(column for column, least in _ALL if width >= least)


def process_cells(row: ProcessRow, width: int) -> tuple[Cell, ...]:
    """The cells of one process, for the columns of that width."""
    look = process_style(row)
    living = row.pid is not None
    partitions = ", ".join(map(str, row.partitions))
    lag = exact(row.lag) if row.lag is not None else ""
    reason = row.detail if row.activity in {"waiting", "silent"} else row.exit_reason
    worker = row.role != "server"
    cells = (
        Cell(row.name, _natural(row.name), "" if living else DIM),
        Cell(row.role, row.role, DIM),
        Cell(row.host if not row.local else "here", row.host, DIM),
        Cell(f"{look.glyph} {look.word}", look.word, look.style),
        Cell(str(row.pid or ""), row.pid or 0, DIM),
        Cell(partitions if len(partitions) <= 9 else f"{len(row.partitions)} of them", row.partitions),
        Cell(number(row.rate) if worker and living else "", row.rate, "bold" if row.rate else DIM),
        Cell(spark(row.rates, SPARK, SPARK_OVER) if worker else "", row.rate, ACCENT),
        Cell(lag, row.lag or 0),
        Cell(f"{row.cpu_percent:.0f} %" if living and row.local else "", row.cpu_percent),
        Cell(number(row.rss_bytes, "B") if row.rss_bytes else "", row.rss_bytes),
        Cell(str(row.restarts) if row.restarts else NOTHING, row.restarts, FAILED if row.restarts > 5 else ""),
        Cell(seconds(row.uptime_seconds) if row.uptime_seconds else "", row.uptime_seconds, DIM),
        Cell(reason, reason, DIM),
    )
    return tuple(cell for cell, (_, least) in zip(cells, _ALL, strict=True) if width >= least)


def _natural(name: str) -> tuple[str, int]:
    stem, _, number_ = name.rpartition("-")
    return (stem, int(number_)) if number_.isdigit() else (name, -1)
