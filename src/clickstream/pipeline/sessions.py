"""Summing events up into session rows, column by column. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clickstream.domain.events import KINDS
from clickstream.domain.sessions import SessionColumns

if TYPE_CHECKING:
    from clickstream.domain.events import BoolArray, Int8Array, Int64Array

_PACKED_BITS = 62


def summarize(
    visitor_id: Int64Array, time_ms: Int64Array, kind: Int8Array, item_id: Int64Array, starts: BoolArray
) -> SessionColumns:
    """One session for each row that `starts` marks, over that row and those after it.

    Args:
        visitor_id: distinct events in identity order: their visitors,
        time_ms: their times,
        kind: their kinds,
        item_id: and their items.
        starts: which rows open a session; the first one must, if there is any.
    """
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(starts))[: len(first)] - 1
    group = (np.cumsum(starts) - 1) * len(KINDS) + kind
    shape = (len(first), len(KINDS))
    items, item_groups = _distinct_items(group, item_id)
    return SessionColumns(
        visitor_id=visitor_id[first],
        start_ms=time_ms[first],
        end_ms=time_ms[last],
        kind_counts=np.bincount(group, minlength=shape[0] * shape[1]).reshape(shape),
        items=items,
        item_counts=np.bincount(item_groups, minlength=shape[0] * shape[1]).reshape(shape),
    )


def _distinct_items(group: Int64Array, item_id: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Distinct (group, item) pairs in ascending order, as two arrays: items, groups."""
    if len(group) == 0:
        return item_id, group
    lowest = int(item_id.min())
    item_bits = (int(item_id.max()) - lowest).bit_length()
    if int(group[-1]).bit_length() + 2 + item_bits <= _PACKED_BITS:
        packed = np.sort((group << item_bits) | (item_id - lowest))
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
        return (packed & ((1 << item_bits) - 1)) + lowest, packed >> item_bits
    order = np.lexsort((item_id, group))
    group, item_id = group[order], item_id[order]
    new = np.append(True, (group[1:] != group[:-1]) | (item_id[1:] != item_id[:-1]))
    return item_id[new], group[new]
