"""Rows of `events` and `sessions` in PostgreSQL's binary COPY format, laid out column-wise by numpy. No connection.

A row is: int16 number of fields, then for each field an int32 length and that many bytes, all big-endian; NULL is
length -1. Rows of one shape (same label, same list lengths) have one width, so that a shape is a structured array
filled column by column; shapes follow one another in one stream. Times are microseconds since 2000-01-01 UTC.
An enum travels as its label. (PostgreSQL manual: COPY, "Binary Format"; array_send for lists.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from clickstream.domain.events import KINDS, NO_TRANSACTION, EventColumns
from clickstream.domain.sessions import SessionColumns

if TYPE_CHECKING:
    import numpy.typing as npt

    from clickstream.domain.events import Int64Array

EVENT_FIELDS: Final = ("event_time", "visitor_id", "event", "item_id", "transaction_id")
SESSION_FIELDS: Final = (
    *("visitor_id", "session_start", "session_end", "duration_seconds"),
    *("event_count", "view_count", "cart_count", "transaction_count"),
    *("items_viewed", "items_carted", "items_purchased", "converted"),
)

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
INT8_OID: Final = 20
TIMESTAMPTZ_OID: Final = 1184
_ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">i8")])
_LIST_HEADER_BYTES: Final = 20
EPOCH_2000_MS: Final = 946_684_800_000

CACHED_ITEMS: Final = 64
"""Layouts of sessions with more items than this are not kept: they are large, and hardly ever come again."""

_Record = np.ndarray[Any, np.dtype[np.void]]


def event_stream(events: EventColumns) -> bytes:
    """A whole COPY stream for EVENT_FIELDS; rows grouped by kind, in the given order within each."""
    parts = [_HEADER]
    with_transaction = events.transaction_id != NO_TRANSACTION
    for code, label in enumerate(KINDS):
        for transaction in (False, True):
            rows = np.flatnonzero((events.kind == code) & (with_transaction == transaction))
            if len(rows):
                parts.append(_event_rows(events.take(rows), label, transaction).tobytes())
    parts.append(_TRAILER)
    return b"".join(parts)


def session_stream(sessions: SessionColumns) -> bytes:
    """A whole COPY stream for SESSION_FIELDS; rows grouped by the lengths of their lists."""
    parts = [_HEADER]
    counts = sessions.item_counts
    total = counts.sum(axis=1)
    first_item = np.cumsum(total) - total
    shape_key = counts @ _powers(int(counts.max(initial=0)) + 1)
    order = np.argsort(shape_key, kind="stable")
    changes = np.flatnonzero(np.diff(shape_key[order])) + 1
    for rows in np.split(order, changes) if len(order) else []:
        shape = tuple(counts[rows[0]].tolist())
        parts.append(_session_rows(sessions, shape, rows, first_item).tobytes())
    parts.append(_TRAILER)
    return b"".join(parts)


def _powers(base: int) -> Int64Array:
    return np.array([base * base, base, 1])


def microseconds_2000(time_ms: Int64Array) -> Int64Array:
    """Unix milliseconds as PostgreSQL's timestamptz counts: microseconds since 2000-01-01 UTC."""
    return (time_ms - EPOCH_2000_MS) * 1000


def unix_milliseconds(microseconds: Int64Array) -> Int64Array:
    """The inverse of microseconds_2000."""
    return microseconds // 1000 + EPOCH_2000_MS


def array_parameter(values: Int64Array, element_oid: int) -> bytes:
    """A one-dimensional array of 8-byte elements (bigint, timestamptz) in binary, as a parameter's value."""
    array = np.zeros((), _list_type(len(values)))
    _fill_list(array, len(values))
    array["oid"] = element_oid
    if len(values):
        array["elements"]["value"] = values
    return array.tobytes()


def array_values(value: bytes | None) -> Int64Array:
    """The elements of a one-dimensional array of 8-byte elements without NULLs; NULL is an empty one."""
    if not value:
        return np.empty(0, np.int64)
    return np.frombuffer(value, _ELEMENT, offset=_LIST_HEADER_BYTES)["value"].astype(np.int64)


def _event_rows(events: EventColumns, label: str, transaction: bool) -> _Record:
    record = _event_template(label, transaction)
    rows = np.empty(len(events), record.dtype)
    rows[...] = record
    rows["event_time"] = microseconds_2000(events.time_ms)
    rows["visitor_id"] = events.visitor_id
    rows["item_id"] = events.item_id
    if transaction:
        rows["transaction_id"] = events.transaction_id
    return rows


@lru_cache
def _event_template(label: str, transaction: bool) -> _Record:
    text = label.encode()
    fields = [("event_time", ">i8"), ("visitor_id", ">i8"), ("event", f"S{len(text)}"), ("item_id", ">i8")]
    record = _template([*fields, ("transaction_id", ">i8" if transaction else None)])
    record["event"] = text
    return record


def _template(fields: Sequence[tuple[str, Any]]) -> _Record:
    """A record with the field count and every length set; a field without a type is NULL."""
    layout: list[tuple[str, Any]] = [("field_count", ">i2")]
    for name, kind in fields:
        layout.append((f"{name} length", ">i4"))
        if kind:
            layout.append((name, kind))
    record = np.zeros((), np.dtype(layout))
    record["field_count"] = len(fields)
    for name, kind in fields:
        record[f"{name} length"] = record.dtype[name].itemsize if kind else -1
    return record


def _session_rows(
    sessions: SessionColumns, shape: tuple[int, ...], rows: Int64Array, first_item: Int64Array
) -> _Record:
    make = _session_template if sum(shape) <= CACHED_ITEMS else _session_template.__wrapped__
    record = make(shape)
    filled = np.empty(len(rows), record.dtype)
    filled[...] = record
    start, end = sessions.start_ms[rows], sessions.end_ms[rows]
    kinds = sessions.kind_counts[rows]
    filled["visitor_id"] = sessions.visitor_id[rows]
    filled["session_start"] = microseconds_2000(start)
    filled["session_end"] = microseconds_2000(end)
    filled["duration_seconds"] = (end - start) // 1000
    filled["event_count"] = kinds.sum(axis=1)
    filled["view_count"], filled["cart_count"], filled["transaction_count"] = kinds.T
    filled["converted"] = kinds[:, -1] > 0
    at = first_item[rows]
    for name, count in zip(SESSION_FIELDS[8:11], shape, strict=True):
        if count:
            filled[name]["elements"]["value"] = sessions.items[at[:, None] + np.arange(count)]
            at = at + count
    return filled


@lru_cache(maxsize=1024)
def _session_template(shape: tuple[int, ...]) -> _Record:
    lists = [(name, _list_type(count)) for name, count in zip(SESSION_FIELDS[8:11], shape, strict=True)]
    fields: list[tuple[str, Any]] = [(name, ">i8") for name in SESSION_FIELDS[:3]]
    fields += [(name, ">i4") for name in SESSION_FIELDS[3:8]]
    record = _template([*fields, *lists, ("converted", "?")])
    for (name, _), count in zip(lists, shape, strict=True):
        _fill_list(record[name], count)
    return record


def _list_type(count: int) -> npt.DTypeLike:
    """A bigint[] of `count` elements; an empty one has no dimension."""
    header: list[tuple[str, Any]] = [("dimensions", ">i4"), ("has_null", ">i4"), ("oid", ">i4")]
    if count == 0:
        return np.dtype(header)
    return np.dtype([*header, ("size", ">i4"), ("lower_bound", ">i4"), ("elements", _ELEMENT, (count,))])


def _fill_list(array: _Record, count: int) -> None:
    array["oid"] = INT8_OID
    if count:
        array["dimensions"], array["size"], array["lower_bound"] = 1, count, 1
        array["elements"]["length"] = 8
