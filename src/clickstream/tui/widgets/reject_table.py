"""The table of rejects: its columns at each width, and its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import DIM
from clickstream.tui.drawing.text import clip, exact
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.rejects.listing import Reject

FROM, PLACE, AT, BYTES, REASON, PAYLOAD = "from", "offset or line", "rejected at, UTC", "bytes", "reason", "payload"

_FIXED = ((FROM, 5, 0, False), (PLACE, 15, 0, True), (AT, 19, 105, False), (BYTES, 9, 90, True))
"""Title, width, the least width of the table that shows it, whether numbers stand in it."""

PADDING = 2
"""Cells that a column takes besides its own."""

SCROLLBAR = 1

LEAST = 12


class RejectTable(RowTable):
    """The table; its columns follow its width."""

    def __init__(self, *, classes: str = "", id: str | None = None) -> None:
        super().__init__(columns_for(0), title="rejects", classes=classes, id=id)
        self._rejects: Sequence[Reject] = ()

    def put_rejects(self, rejects: Sequence[Reject]) -> None:
        self._rejects = rejects
        columns = columns_for(self.size.width)
        self.set_columns(columns)
        self.put({one.id: cells(one, columns) for one in rejects})

    def on_resize(self) -> None:
        self.put_rejects(self._rejects)


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns for a table of that many cells; the reason has more of what the others leave than the payload, which
    stands whole beside the table."""
    fixed = [Column(title, right=right, width=size) for title, size, least, right in _FIXED if width >= least]
    rest = width - SCROLLBAR - sum((column.width or 0) + PADDING for column in fixed) - 2 * PADDING
    reason = max(LEAST, min(60, rest * 3 // 4))
    return (*fixed, Column(REASON, width=reason), Column(PAYLOAD, width=max(LEAST, rest - reason)))


def cells(reject: Reject, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
    """The cells of one reject."""
    return tuple(_cell(reject, column) for column in columns)


def _cell(reject: Reject, column: Column) -> Cell:
    width = column.width or 0
    if column.title == FROM:
        return Cell("csv" if reject.partition is None else f"p{reject.partition}", reject.partition or -1)
    if column.title == PLACE:
        return Cell(exact(reject.position), reject.position)
    if column.title == AT:
        return Cell(f"{reject.at[:10]} {reject.at[11:19]}", reject.at, DIM)
    if column.title == BYTES:
        return Cell(exact(reject.size), reject.size)
    if column.title == REASON:
        return Cell(clip(reject.reason, width), reject.reason)
    text = "(no value)" if reject.payload is None else reject.text
    return Cell(clip(text, width), text, DIM if reject.payload is None else "")
