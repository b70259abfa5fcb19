"""`data info`: describes a CSV file of events. Reads the file and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from clickstream.domain.events import KINDS, BadLine, EventColumns
from clickstream.pipeline.events.csvfile.reader import read_events

BAD_LINES_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class DataInfo:
    """A file's figures. All but `rows` and `bad_lines` are about its good lines."""

    path: str
    bytes: int
    """As it lies on the disk."""
    rows: int
    """Lines that are neither the header nor blank, good and bad."""
    visitors: int
    items: int
    kinds: dict[str, int]
    duplicates: int
    """Events beyond the first of their identity (visitor, time, kind, item)."""
    first_event: str | None
    """ISO 8601, UTC; None where there is no event."""
    last_event: str | None
    sorted: bool
    """True: by time, from the first line to the last."""
    bad_lines: int
    first_bad_lines: tuple[BadLine, ...]

    def summary(self) -> str:
        return (
            f"{self.path}: {self.rows:,} rows, {self.visitors:,} visitors, {self.items:,} items,"
            f" {self.first_event or '?'} to {self.last_event or '?'}, {self.bad_lines:,} bad lines"
        )


def describe(path: Path) -> DataInfo:
    """Read the whole file and count.

    Raises:
        ClickstreamError: the file cannot be read, or does not begin with the header.
    """
    csv = read_events(path)
    events = csv.columns
    kinds = np.bincount(events.kind, minlength=len(KINDS)).tolist()
    return DataInfo(
        path=str(path),
        bytes=path.stat().st_size,
        rows=csv.rows,
        visitors=len(np.unique(events.visitor_id)),
        items=len(np.unique(events.item_id)),
        kinds=dict(zip(KINDS, kinds, strict=True)),
        duplicates=_duplicates(events),
        first_event=_iso(events, 0),
        last_event=_iso(events, -1),
        sorted=csv.in_order,
        bad_lines=len(csv.bad),
        first_bad_lines=tuple(csv.bad[:BAD_LINES_LISTED]),
    )


def _duplicates(events: EventColumns) -> int:
    """Only events of one millisecond can be equal: of all others, which are most, nothing is sorted."""
    same = events.time_ms[1:] == events.time_ms[:-1]
    together = np.zeros(len(events), dtype=np.bool_)
    together[1:] |= same
    together[:-1] |= same
    events = events.take(together)
    order = np.lexsort((events.item_id, events.kind, events.visitor_id, events.time_ms))
    events = events.take(order)
    same = np.ones(max(0, len(events) - 1), dtype=np.bool_)
    for column in (events.time_ms, events.visitor_id, events.kind, events.item_id):
        same &= column[1:] == column[:-1]
    return int(np.count_nonzero(same))


def _iso(events: EventColumns, index: int) -> str | None:
    if not len(events):
        return None
    # numpy's datetime, because Python's ends with the year 9999 and PostgreSQL's does not.
    return f"{events.time_ms[index].astype('datetime64[ms]')}Z"
