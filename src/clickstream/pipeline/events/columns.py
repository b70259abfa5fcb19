"""Operations on event columns: joining, sorting by identity, dropping repeats. Pure; knows no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clickstream.domain.events import EventColumns

if TYPE_CHECKING:
    from clickstream.domain.events import BoolArray, Int8Array, Int64Array

_PACKED_BITS = 62
"""A packed key keeps clear of the sign bit."""


def empty() -> EventColumns:
    """Columns without rows."""
    none = np.empty(0, np.int64)
    return EventColumns(none, none, np.empty(0, np.int8), none, none)


def concat(parts: Sequence[EventColumns]) -> EventColumns:
    """The rows of all parts, in their order."""
    return EventColumns(
        np.concatenate([part.time_ms for part in parts]),
        np.concatenate([part.visitor_id for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.item_id for part in parts]),
        np.concatenate([part.transaction_id for part in parts]),
    )


def identity_order(visitor_id: Int64Array, time_ms: Int64Array, kind: Int8Array, item_id: Int64Array) -> Int64Array:
    """Positions that sort rows by (visitor, time, kind, item); of equal rows the earlier one comes first.

    Visitor and time are packed into one integer where their ranges allow, which sorts several times faster than a
    lexsort; only rows that share both are sorted by the rest.
    """
    if len(visitor_id) < 2:
        return np.arange(len(visitor_id))
    first_visitor, first_time = visitor_id.min(), time_ms.min()
    time_bits = int(time_ms.max() - first_time).bit_length()
    if int(visitor_id.max() - first_visitor).bit_length() + time_bits > _PACKED_BITS:
        return np.lexsort((item_id, kind, time_ms, visitor_id))
    packed = ((visitor_id - first_visitor) << time_bits) | (time_ms - first_time)
    order = np.argsort(packed)
    in_order = packed[order]
    same = in_order[1:] == in_order[:-1]
    if same.any():
        tied = np.zeros(len(order), np.bool_)
        tied[1:] |= same
        tied[:-1] |= same
        rows = order[tied]
        order[tied] = rows[np.lexsort((rows, item_id[rows], kind[rows], packed[rows]))]
    return order


def repeats_previous(visitor_id: Int64Array, time_ms: Int64Array, kind: Int8Array, item_id: Int64Array) -> BoolArray:
    """For rows in identity order: which ones have the identity of the row before."""
    repeats = np.zeros(len(visitor_id), np.bool_)
    repeats[1:] = (
        (visitor_id[1:] == visitor_id[:-1])
        & (time_ms[1:] == time_ms[:-1])
        & (kind[1:] == kind[:-1])
        & (item_id[1:] == item_id[:-1])
    )
    return repeats


def distinct(events: EventColumns) -> EventColumns:
    """The events in identity order, each identity once: its first occurrence."""
    order = identity_order(events.visitor_id, events.time_ms, events.kind, events.item_id)
    ordered = events.take(order)
    repeats = repeats_previous(ordered.visitor_id, ordered.time_ms, ordered.kind, ordered.item_id)
    return ordered.take(~repeats) if repeats.any() else ordered
