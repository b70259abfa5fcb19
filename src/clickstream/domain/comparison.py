"""Compares the events of two stores: sums by day and kind, and rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

DAY_MS = 86_400_000


class Bucket(NamedTuple):
    """All events of one kind on one day."""

    day: int
    """Days since 1970-01-01, UTC."""
    kind: str

    @classmethod
    def of(cls, row: Row) -> Bucket:
        return cls(row.time_ms // DAY_MS, row.kind)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a bucket holds."""

    events: int
    visitors: float
    """Sum of the visitors' ids: with the items' it tells buckets apart that hold as many, but not the same, events."""
    items: float

    def same(self, other: Sums) -> bool:
        return self.events == other.events and _same(self.visitors, other.visitors) and _same(self.items, other.items)


class Row(NamedTuple):
    """One event; rows compare in the order in which both stores tell them."""

    time_ms: int
    visitor_id: int
    kind: str
    item_id: int
    transaction_id: int | None

    @property
    def identity(self) -> tuple[int, int, str, int]:
        return self[:4]

    @property
    def id(self) -> str:
        """As the document's."""
        return f"{self.visitor_id}-{self.time_ms}-{self.kind}-{self.item_id}"


def differences(left: Iterable[Row], right: Iterable[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Pairs of rows of two stores, both in order, that are not the same; None where one has no row of that identity."""
    ours, theirs = iter(left), iter(right)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.identity < other.identity):
            yield one, None
            one = next(ours, None)
        elif one is None or other.identity < one.identity:
            yield None, other
            other = next(theirs, None)
        else:
            if one.transaction_id != other.transaction_id:
                yield one, other
            one, other = next(ours, None), next(theirs, None)


_EXACT = 2.0**53
"""Up to here a double holds every whole number."""


def _same(one: float, other: float) -> bool:
    if max(one, other) < _EXACT:
        return one == other
    return abs(one - other) <= 1e-9 * max(one, other)
