"""Searches the index by a query in Lucene's syntax, with several counts in one request. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from opensearchpy.exceptions import NotFoundError, RequestError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ServiceRefused, UsageError
from clickstream.domain.escapes import brief
from clickstream.services.opensearch.answers import CountedItems, Fields, Hit, Number, SearchAnswer, TimeRange
from clickstream.services.opensearch.client import SERVICE, connect, converted, is_state, translated
from clickstream.services.opensearch.index import MAPPING

EVERYTHING: Final = "*"

TIMEOUT: Final = 30.0
"""Seconds that a search may take."""

TOP: Final = 10
"""Items that are counted one by one."""

STEPS: Final = ("view", "addtocart", "transaction")
"""The kinds of events, in the order in which a visitor comes to buy."""

_EXACT_UP_TO: Final = 40_000
"""Visitors up to which their number is nearly exact; above, within a few in a hundred. No server takes more."""

_LONGEST_REASON: Final = 200

_KNOWN: Final = frozenset({*MAPPING["properties"], "_exists_", "_id", "_index"})

_QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"')
_FIELD: Final = re.compile(r"(?<![\w\\.:-])([A-Za-z_][\w.]*):")


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """A span of time; `SearchResult.interval` says how long."""

    at: int
    """Its begin, Unix ms."""
    events: int
    purchases: int


@dataclass(frozen=True, slots=True)
class EventCounts:
    """One kind of event."""

    event: str
    events: int
    visitors: int
    """Who did that at least once."""


@dataclass(frozen=True, slots=True)
class Item:
    """How often an item was viewed, or purchased."""

    item_id: int
    events: int


@dataclass(frozen=True, slots=True)
class Document:
    """One event of the index."""

    event_time: int
    """Unix ms."""
    visitor_id: int
    event: str
    item_id: int
    transaction_id: int | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a query has found."""

    query: str
    index: str
    hits: int
    took_ms: int
    first: int | None
    """Unix ms of the earliest; None where nothing was found."""
    last: int | None
    interval: str
    """Of the slots: `12h`, `1d`; empty where there are none."""
    over_time: tuple[TimeSlot, ...]
    """Empty ones included, earliest first."""
    kinds: tuple[EventCounts, ...]
    """In the order of STEPS; those that were not found count 0."""
    top_viewed: tuple[Item, ...]
    top_purchased: tuple[Item, ...]
    newest: tuple[Document, ...]


def search(settings: OpenSearchSettings, query: str, *, slots: int, newest: int) -> SearchResult:
    """What the query finds, at most `slots` spans of time and the `newest` documents with it.

    Raises:
        UsageError: the query is none that OpenSearch understands, or names a field that the index has not.
        ServiceUnavailable, AdmissionRefused: it does not answer, or not us.
        ServiceRefused: there is no such index.
    """
    _check_fields(query)
    with connect(settings, timeout=TIMEOUT) as client, translated():
        try:
            said = client.search(index=settings.events_index, body=_body(query, slots, newest))
            answer = converted(client, SearchAnswer, said)
        except RequestError as error:
            if is_state(error):
                raise
            raise UsageError(f"the query is none that {SERVICE} understands: {_reason(error)}") from error
        except NotFoundError as error:
            raise no_index(settings) from error
    return _read(query, settings.events_index, answer)


def time_range(settings: OpenSearchSettings) -> tuple[int, int] | None:
    """Unix ms of the earliest and the latest event; None where there is none. Raises as `search` does."""
    body = {"size": 0, "aggs": _extremes()}
    with connect(settings, timeout=TIMEOUT) as client, translated():
        try:
            found = converted(client, TimeRange, client.search(index=settings.events_index, body=body)).aggregations
        except NotFoundError as error:
            raise no_index(settings) from error
    first, last = _millis(found.first), _millis(found.last)
    return None if first is None or last is None else (first, last)


def no_index(settings: OpenSearchSettings) -> ServiceRefused:
    return ServiceRefused(
        f"{SERVICE} has no index {settings.events_index} yet", hint="`clickstream consumer start` makes it and fills it"
    )


def _check_fields(query: str) -> None:
    """Raises UsageError for an unknown field: OpenSearch itself finds nothing there, and reports no error."""
    for name in _FIELD.findall(_QUOTED.sub('""', query)):
        if name not in _KNOWN:
            fields = ", ".join(MAPPING["properties"])
            raise UsageError(f"the index has no field {brief(name, 40)}", hint=f"its fields are {fields}")


def _body(query: str, slots: int, newest: int) -> dict[str, Any]:
    bought = {"term": {"event": "transaction"}}
    items = {"items": {"terms": {"field": "item_id", "size": TOP}}}
    visitors = {"cardinality": {"field": "visitor_id", "precision_threshold": _EXACT_UP_TO}}
    return {
        # A word that names no field is a kind of event.
        "query": {"query_string": {"query": query, "default_field": "event"}},
        "track_total_hits": True,
        "size": newest,
        "sort": [{"event_time": "desc"}, {"visitor_id": "asc"}],
        "_source": False,
        "docvalue_fields": [
            {"field": "event_time", "format": "epoch_millis"}, "visitor_id", "event", "item_id", "transaction_id",
        ],
        "aggs": {
            **_extremes(),
            "over_time": {
                "auto_date_histogram": {"field": "event_time", "buckets": slots},
                "aggs": {"purchases": {"filter": bought}},
            },
            "kinds": {"terms": {"field": "event", "size": len(STEPS)}, "aggs": {"visitors": visitors}},
            "viewed": {"filter": {"term": {"event": "view"}}, "aggs": items},
            "purchased": {"filter": bought, "aggs": items},
        },
    }  # fmt: skip


def _extremes() -> dict[str, Any]:
    return {"first": {"min": {"field": "event_time"}}, "last": {"max": {"field": "event_time"}}}


def _read(query: str, index: str, answer: SearchAnswer) -> SearchResult:
    aggs = answer.aggregations
    slots = tuple(TimeSlot(one.key, one.doc_count, one.purchases.doc_count) for one in aggs.over_time.buckets)
    kinds = {one.key: EventCounts(one.key, one.doc_count, one.visitors.value) for one in aggs.kinds.buckets}
    return SearchResult(
        query=query,
        index=index,
        hits=answer.hits.total.value,
        took_ms=answer.took,
        first=_millis(aggs.first),
        last=_millis(aggs.last),
        interval=aggs.over_time.interval if slots else "",
        over_time=slots,
        kinds=tuple(kinds.get(name, EventCounts(name, 0, 0)) for name in STEPS),
        top_viewed=_items(aggs.viewed),
        top_purchased=_items(aggs.purchased),
        newest=tuple(_documents(answer.hits.hits)),
    )


def _items(found: CountedItems) -> tuple[Item, ...]:
    return tuple(Item(one.key, one.doc_count) for one in found.items.buckets)


def _documents(hits: list[Hit]) -> Iterator[Document]:
    """Those that are events: others may have written into the index."""
    for hit in hits:
        try:
            one = msgspec.convert(hit.fields, Fields, strict=False)
        except msgspec.ValidationError:
            continue
        bought = one.transaction_id[0] if one.transaction_id else None
        yield Document(one.event_time[0], one.visitor_id[0], one.event[0], one.item_id[0], bought)


def _millis(found: Number) -> int | None:
    return None if found.value is None else int(found.value)


def _reason(error: RequestError) -> str:
    """What is wrong, from the server's answer: the first cause says where, the last one what, mostly."""
    found = error.info.get("error") if isinstance(error.info, dict) else None
    failed = found.get("failed_shards") if isinstance(found, dict) else None
    first_failed = failed[0] if isinstance(failed, list) and failed else None
    cause = first_failed.get("reason") if isinstance(first_failed, dict) else found
    said: list[str] = []
    while isinstance(cause, dict):
        said.append(str(cause.get("reason")).partition("\n")[0].strip())
        cause = cause.get("caused_by")
    first, last = (said[0], said[-1]) if said else (str(error.error), "")
    return brief(first if last in first else f"{first}: {last}", _LONGEST_REASON)
