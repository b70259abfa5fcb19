"""The table of partitions: its columns at each width, and its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.actions.observe.model import OK
from clickstream.tui.drawing.ages import OLD, lag_at, since
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.lag import HOT
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, PARTITION, TREND
from clickstream.tui.drawing.text import NOTHING, UNKNOWN, bar, exact, number, percent, seconds

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, PartitionRow

NORMAL, ROOMY, WIDE = 116, 128, 160

SHARE_WIDTH = 17

NEVER = float("inf")

TWO_DAYS = 172_800.0

_ALL: tuple[tuple[Column, int], ...] = (
    (Column("p", right=True, width=2), 0),
    (Column("state", width=9), 0),
    (Column("position", right=True, width=9), ROOMY),
    (Column("end", right=True, width=9), NORMAL),
    (Column("lag", right=True, width=9), 0),
    (Column("", width=1), 0),
    (Column("trend", width=9), WIDE),
    (Column("behind", right=True, width=7), 0),
    (Column("in", right=True, width=8), 0),
    (Column("out", right=True, width=8), 0),
    (Column("drains", right=True, width=7), 0),
    (Column("share", width=SHARE_WIDTH), WIDE),
    (Column("share", width=8), NORMAL),
    (Column("share", width=6), 0),
    (Column("last commit", right=True, width=12), WIDE),
    (Column("owner", width=19), NORMAL),
)
"""Each column with the least width of the terminal that shows it."""

_BELOW = {12: WIDE, 13: NORMAL}
"""Columns for terminals below that width: others have a wider one for the same."""


def columns_for(width: int) -> tuple[Column, ...]:
    return tuple(_ALL[index][0] for index in _shown(width))


def partition_cells(frame: Frame, row: PartitionRow, width: int) -> tuple[Cell, ...]:
    """The cells of one partition, for the columns of that width; dim where they are old."""
    look = PARTITION[row.state]
    old = DIM if frame.at - row.as_of > OLD else ""
    hot = is_hot(frame, row)
    owner = _owner(row, old)
    drains = Cell(
        drain_words(row) if frame.rates_known else UNKNOWN,
        NEVER if row.seconds_to_drain is None else row.seconds_to_drain,
        old,
    )
    growing = row.trend == "growing" and row.state != OK
    trend = BUSY if growing and not old else DIM
    share = f"{percent(row.share, 1, 0):>4}"
    commit = seconds(row.commit_age) + " ago" if row.commit_age is not None else "never"
    cells = (
        Cell(str(row.partition), row.partition),
        Cell(f"{look.glyph} {look.word}", look.word, look.style),
        Cell(exact(row.position), row.position, old),
        Cell(exact(row.end), row.end, old),
        Cell(exact(row.lag), row.lag, old or "bold"),
        Cell(TREND[row.trend] if frame.rates_known else UNKNOWN, row.trend, trend),
        Cell(row.trend if frame.rates_known else UNKNOWN, row.trend, trend),
        Cell(behind_words(row), row.seconds_behind or 0.0, old),
        _rate(row.rate_in, frame.produced_per_second, old),
        _rate(row.rate_out, frame.stored_per_second, old),
        drains,
        Cell(
            f"{bar(row.share, SHARE_WIDTH - 9)} {share}{' hot' if hot else ''}",
            row.share,
            old or (BUSY if hot else ACCENT),
        ),
        Cell(f"{share} hot" if hot else share, row.share, old or (BUSY if hot else "")),
        Cell(f"{share} ▲" if hot else share, row.share, old or (BUSY if hot else "")),
        Cell(commit, row.commit_age if row.commit_age is not None else NEVER, DIM),
        owner,
    )
    return tuple(cells[index] for index in _shown(width))


def detail(frame: Frame, row: PartitionRow) -> str:
    """What a narrow table has no room for."""
    owner = f"owner {owner_words(row)}" if row.owner else "no owner"
    words = [
        f"p{row.partition}",
        f"{exact(row.position)} of {exact(row.end)}",
        f"foreign {row.foreign_owner}" if row.foreign_owner else owner,
        f"last commit {seconds(row.commit_age)} ago" if row.commit_age is not None else "never committed",
    ]
    return " · ".join(words)


def obstacle_words(frame: Frame) -> Content:
    """What in Kafka keeps messages from being stored, and what helps."""
    lines = [Content.assemble(("▲ ", BUSY), (one.message, ""), (f"; {one.hint}", DIM)) for one in frame.obstacles]
    return Content("\n").join(lines)


def is_hot(frame: Frame, row: PartitionRow) -> bool:
    """It takes in much more than its even share."""
    return len(frame.partitions) > 1 and row.rate_in > 0 and row.share > HOT / len(frame.partitions)


def title(frame: Frame) -> str:
    """Of the table: since when its figures are not of now."""
    words = since(lag_at(frame), frame.at)
    return f"partitions {words}" if words else "partitions"


def owner_words(row: PartitionRow) -> str:
    """Who has it, and whether that one is silent."""
    return f"{row.owner} (silent)" if row.silent else row.owner or "no owner"


def behind_words(row: PartitionRow) -> str:
    if row.lag == 0:
        return NOTHING
    return UNKNOWN if row.seconds_behind is None else _span(row.seconds_behind)


def drain_words(row: PartitionRow) -> str:
    if row.lag == 0 or (row.seconds_to_drain is None and row.state == OK):
        return NOTHING
    if row.held_from is not None:
        return "held"
    return "never" if row.seconds_to_drain is None else _span(row.seconds_to_drain)


def _rate(rate: float, all_: float | None, old: str) -> Cell:
    """Where that of all partitions is not known, no partition's is."""
    return Cell(UNKNOWN if all_ is None else number(rate, "/s"), rate, old or ACCENT)


def _owner(row: PartitionRow, old: str) -> Cell:
    if row.owner or row.foreign_owner is None:
        style = BUSY if row.silent else "" if row.owner else BUSY if row.lag else DIM
        return Cell(owner_words(row), row.owner or "", style if row.silent else old or style)
    return Cell(f"✖ {row.foreign_owner}", row.foreign_owner, old or BUSY)


def _span(value: float) -> str:
    return seconds(value) if value < TWO_DAYS else f"{value / 86_400:,.0f} d"


def _shown(width: int) -> list[int]:
    shown = [index for index, (_, least) in enumerate(_ALL) if width >= least]
    return [index for index in shown if width < _BELOW.get(index, width + 1)]
