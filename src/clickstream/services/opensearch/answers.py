"""The types of OpenSearch's answers to our searches: the fields that are read."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

_SOME: Final = msgspec.Meta(min_length=1)


class Fields(msgspec.Struct):
    """Of an event, as a search gives them: each a list."""

    event_time: Annotated[list[int], _SOME]
    visitor_id: Annotated[list[int], _SOME]
    event: Annotated[list[str], _SOME]
    item_id: Annotated[list[int], _SOME]
    transaction_id: list[int] = []


class Number(msgspec.Struct):
    """An extreme; None where nothing was found."""

    value: float | None = None


class _Total(msgspec.Struct):
    value: int


class Hit(msgspec.Struct):
    """A document that was found: its fields, which others may have written."""

    fields: dict[str, Any] = {}


class _Hits(msgspec.Struct):
    total: _Total
    hits: list[Hit]


class _Filtered(msgspec.Struct):
    doc_count: int


class _Slot(msgspec.Struct):
    key: int
    doc_count: int
    purchases: _Filtered


class _Slots(msgspec.Struct):
    buckets: list[_Slot]
    interval: str = ""


class _Visitors(msgspec.Struct):
    value: int


class _Kind(msgspec.Struct):
    key: str
    doc_count: int
    visitors: _Visitors


class _Kinds(msgspec.Struct):
    buckets: list[_Kind]


class _Item(msgspec.Struct):
    key: int
    doc_count: int


class _Buckets(msgspec.Struct):
    buckets: list[_Item]


class CountedItems(msgspec.Struct):
    """How often each of the most frequent items occurs."""

    items: _Buckets


class _Extremes(msgspec.Struct):
    first: Number
    last: Number


class _Aggregations(_Extremes):
    over_time: _Slots
    kinds: _Kinds
    viewed: CountedItems
    purchased: CountedItems


class TimeRange(msgspec.Struct):
    """The first and the last event."""

    aggregations: _Extremes


class SearchAnswer(msgspec.Struct):
    """All that a search asks for."""

    took: int
    hits: _Hits
    aggregations: _Aggregations
