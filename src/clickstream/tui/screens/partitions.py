"""Partition by partition: position, lag, rates, owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.states import PARTITION, TREND
from clickstream.tui.text import exact, number, percent, seconds
from clickstream.tui.widgets.row_table import Cell, Column, RowTable

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame, PartitionRow

COLUMNS = (
    Column("partition", right=True),
    Column("state"),
    Column("position", right=True),
    Column("end", right=True),
    Column("lag", right=True),
    Column("trend"),
    Column("in", right=True),
    Column("out", right=True),
    Column("drains in", right=True),
    Column("share", right=True),
    Column("owner"),
)


class PartitionsScreen(DashboardScreen):
    """The partitions of the events topic."""

    def body(self) -> ComposeResult:
        yield RowTable(COLUMNS, title="partitions", classes="box")

    def show(self, frame: Frame) -> None:
        self.query_one(RowTable).put({str(row.partition): _cells(row) for row in frame.partitions})


def _cells(row: PartitionRow) -> tuple[Cell, ...]:
    look = PARTITION[row.state]
    return (
        Cell(str(row.partition), row.partition),
        Cell(f"{look.glyph} {look.word}", look.word, look.style),
        Cell(exact(row.position), row.position),
        Cell(exact(row.end), row.end),
        Cell(exact(row.lag), row.lag),
        Cell(f"{TREND[row.trend]} {row.trend}", row.trend),
        Cell(number(row.rate_in, "/s"), row.rate_in),
        Cell(number(row.rate_out, "/s"), row.rate_out),
        Cell(seconds(row.seconds_to_drain) if row.seconds_to_drain is not None else "never", row.seconds_to_drain or 0),
        Cell(percent(row.share, 1, 0), row.share),
        Cell(row.owner or "nobody", row.owner or ""),
    )
