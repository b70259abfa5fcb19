"""What answers in the place of OpenSearch on the search screen, and frames in which it is there."""

from __future__ import annotations

import math
import threading
from typing import Any

from clickstream.actions.observe.model import DOWN, UP, Frame, IndexedPartition, IndexLag, ServiceRow
from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.opensearch.search import Document, EventCounts, Item, SearchResult, TimeSlot
from clickstream.tui.app import ClickstreamApp
from tests.changing import replace
from tests.tui import frames

DAY_MS = 86_400_000
FIRST_MS = 16_558 * DAY_MS
DAYS = 139


class Index:
    """Stands in for the action that searches; remembers what it was asked."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.error: ClickstreamError | None = None
        self.empty = False
        self.held: dict[str, threading.Event] = {}
        """By query: answered only when this is set."""

    def search(self, settings: Any, query: str, *, slots: int, newest: int) -> SearchResult:
        self.queries.append(query)
        if query in self.held:
            assert self.held[query].wait(60)
            return found(query, empty=self.empty)
        if self.error:
            raise self.error
        return found(query, empty=self.empty)


def found(query: str, *, empty: bool = False) -> SearchResult:
    if empty:
        kinds = tuple(EventCounts(name, 0, 0) for name in ("view", "addtocart", "transaction"))
        return SearchResult(query, "clickstream-events", 0, 3, None, None, "", (), kinds, (), (), ())
    slots = tuple(
        TimeSlot(FIRST_MS + n * DAY_MS, events, events // (90 + n % 40))
        for n in range(DAYS)
        for events in [round(19_000 * (1 + 0.25 * math.sin(2 * math.pi * n / 7) + 0.1 * math.sin(n / 20)))]
    )
    kinds = (
        EventCounts("view", 2_664_312, 1_404_179),
        EventCounts("addtocart", 69_332, 37_722),
        EventCounts("transaction", 22_457, 11_719),
    )
    return SearchResult(
        query=query,
        index="clickstream-events",
        hits=2_756_101,
        took_ms=412,
        first=FIRST_MS + 10_804_384,
        last=FIRST_MS + DAYS * DAY_MS - 1,
        interval="1d",
        over_time=slots,
        kinds=kinds,
        top_viewed=tuple(Item(187_946 + 997 * n, 3_412 // (n + 1)) for n in range(10)),
        top_purchased=tuple(Item(461_686 - 3_331 * n, 133 // (n + 1)) for n in range(10)),
        newest=tuple(_document(n) for n in range(50)),
    )


def searchable(*, indexed: int = 400_000) -> Frame:
    """As running, with OpenSearch among the servers."""
    frame = frames.running()
    service = ServiceRow("opensearch", UP, frames.NOW - 300, version="3.9.0", latency_ms=3.1)
    rows = tuple(IndexedPartition(n, indexed + n, 412_104 + n, 12_104, f"indexer-{n}") for n in range(3))
    lag = IndexLag("clickstream-opensearch", 36_312, rows)
    others = [row for row in frame.services if row.name != "opensearch"]
    return replace(frame, services=(*others, service), indexing=lag)


def gone() -> Frame:
    """OpenSearch does not answer any more."""
    frame = searchable()
    service = replace(
        frame.service("opensearch"), state=DOWN, latency_ms=None, error="OpenSearch does not answer: connection refused"
    )
    return replace(frame, services=(*frame.services[:-1], service), at=frames.NOW + 90)


def with_opensearch(app: ClickstreamApp) -> ClickstreamApp:
    """The app's source says that it is enabled."""
    source: Any = app.source
    enabled = OpenSearchSettings.model_validate({"OPENSEARCH_ENABLED": "true"})
    source.settings = replace(source.settings, opensearch=enabled)
    return app


def _document(n: int) -> Document:
    kind, transaction = (
        ("transaction", 17_672 - n) if n % 9 == 3 else ("addtocart", None) if n % 7 == 2 else ("view", None)
    )
    return Document(
        FIRST_MS + DAYS * DAY_MS - 1 - 61_137 * n, 257_597 + 7_919 * n, kind, 461_686 - 311 * n, transaction
    )
