"""Reads the index, to compare it with PostgreSQL. Writes nothing."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final

import msgspec
from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.comparison import DAY_MS, Bucket, Row, Sums
from clickstream.domain.errors import ServiceRefused
from clickstream.services.opensearch.answers import Fields
from clickstream.services.opensearch.client import SERVICE, connect, converted, translated

TIMEOUT: Final = 60.0
"""Seconds that one question may take."""

_PAGE: Final = 10_000
"""Documents of a page: the most that a server gives unless told otherwise."""

_BUCKETS: Final = 1_000

_IN_ORDER: Final = [{"event_time": "asc"}, {"visitor_id": "asc"}, {"event": "asc"}, {"item_id": "asc"}]


class _Count(msgspec.Struct):
    count: int


class _Key(msgspec.Struct):
    day: int
    kind: str


class _Sum(msgspec.Struct):
    value: float


class _Bucket(msgspec.Struct):
    key: _Key
    doc_count: int
    visitor_id: _Sum
    item_id: _Sum


class _Page(msgspec.Struct):
    buckets: list[_Bucket]
    after_key: dict[str, Any] | None = None


class _Aggregations(msgspec.Struct):
    buckets: _Page


class _Aggregated(msgspec.Struct):
    aggregations: _Aggregations


class _Hit(msgspec.Struct):
    sort: list[Any]
    fields: dict[str, Any] = {}


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Searched(msgspec.Struct):
    hits: _Hits


class IndexReader:
    """One connection to the index; use as a context manager.

    Methods raise ServiceUnavailable, AdmissionRefused, or ServiceRefused (no such index, or one with other fields).
    """

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._client: OpenSearch = connect(settings, timeout=TIMEOUT)
        self._index = settings.events_index

    def __enter__(self) -> IndexReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def refresh(self) -> int:
        """Let searches see all that is stored; how many documents that is."""
        with translated():
            try:
                self._client.indices.refresh(index=self._index)
                return converted(self._client, _Count, self._client.count(index=self._index)).count
            except NotFoundError as error:
                hint = "`clickstream consumer start` makes it, where OPENSEARCH_ENABLED is true"
                raise ServiceRefused(f"{SERVICE} has no index {self._index}", hint=hint) from error

    def buckets(self) -> dict[Bucket, Sums]:
        """The sums of every day and kind that has documents."""
        found: dict[Bucket, Sums] = {}
        # Composite: days in between that have none cost nothing, however far apart the others are.
        composite: dict[str, Any] = {
            "size": _BUCKETS,
            "sources": [
                {"day": {"date_histogram": {"field": "event_time", "fixed_interval": "1d"}}},
                {"kind": {"terms": {"field": "event"}}},
            ],
        }
        sums = {name: {"sum": {"field": name}} for name in ("visitor_id", "item_id")}
        while True:
            body = {"size": 0, "aggs": {"buckets": {"composite": composite, "aggs": sums}}}
            with translated():
                answer = self._client.search(index=self._index, body=body)
            page = converted(self._client, _Aggregated, answer).aggregations.buckets
            for one in page.buckets:
                key = Bucket(one.key.day // DAY_MS, one.key.kind)
                found[key] = Sums(one.doc_count, one.visitor_id.value, one.item_id.value)
            if page.after_key is None:
                return found
            composite["after"] = page.after_key

    def rows(self, bucket: Bucket) -> Generator[Row, None, None]:
        """The documents of one day and kind, in order."""
        span = {"gte": bucket.day * DAY_MS, "lt": (bucket.day + 1) * DAY_MS, "format": "epoch_millis"}
        filters = [{"range": {"event_time": span}}, {"term": {"event": bucket.kind}}]
        return self._search({"bool": {"filter": filters}})

    def rows_with_transaction(self) -> Generator[Row, None, None]:
        """The documents that have a transaction's id, in order."""
        return self._search({"exists": {"field": "transaction_id"}})

    def _search(self, query: dict[str, Any]) -> Generator[Row, None, None]:
        fields = ["event_time", "visitor_id", "event", "item_id", "transaction_id"]
        body: dict[str, Any] = {
            "size": _PAGE,
            "query": query,
            "sort": _IN_ORDER,
            "_source": False,
            "docvalue_fields": [{"field": "event_time", "format": "epoch_millis"}, *fields[1:]],
            "track_total_hits": False,
        }
        while True:
            with translated():
                answer = self._client.search(index=self._index, body=body)
            hits = converted(self._client, _Searched, answer).hits.hits
            yield from self._rows([hit.fields for hit in hits])
            if len(hits) < _PAGE:
                return
            # More documents of one identity than a page holds are not of our making.
            body["search_after"] = hits[-1].sort

    def _rows(self, fields: list[dict[str, Any]]) -> Iterator[Row]:
        try:
            found = msgspec.convert(fields, list[Fields], strict=False)  # a time comes as text
        except msgspec.ValidationError as error:
            hint = "delete them, or name another index in OPENSEARCH_EVENTS_INDEX"
            raise ServiceRefused(f"index {self._index} holds documents that are not events", hint=hint) from error
        for one in found:
            bought = one.transaction_id[0] if one.transaction_id else None
            yield Row(one.event_time[0], one.visitor_id[0], one.event[0], one.item_id[0], bought)
