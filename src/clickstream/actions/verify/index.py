"""Compares the index with PostgreSQL: every event is a document with the same transaction, and no document is extra.

It compares sums by day and kind first, and rows only where these differ or where events have a transaction. The result
is exact once the indexers have caught up: events stored meanwhile may count as differences.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.comparison import Bucket, Row, differences
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.pipeline.indexer.settler import REASON
from clickstream.services.kafka.admin import OffsetReader
from clickstream.services.kafka.group import GroupReader
from clickstream.services.opensearch.compare import IndexReader
from clickstream.services.postgres.compare import EventsReader
from clickstream.services.postgres.refusals import count as count_refusals

MOST_EXAMPLES = 20


class IndexFault(StrEnum):
    """How a document is not as it should be."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"


MISSING, UNEXPECTED, DIFFERENT = IndexFault


@dataclass(frozen=True, slots=True)
class Example:
    """One document that is not as it should be."""

    fault: IndexFault
    id: str


@dataclass(frozen=True, slots=True)
class IndexVerification:
    """What the comparison found."""

    index: str
    events: int
    documents: int
    missing: int
    """Events without a document."""
    unexpected: int
    """Documents without an event, and further documents of an event that has one."""
    different: int
    """Documents with another transaction than the event."""
    different_days: int
    """Days, of one kind of event each, whose sums differ."""
    refused: int
    """Events that OpenSearch refused for good and that wait in `rejected_events`: they are missing, too."""
    behind: int | None
    """Messages that the indexers had not read when this began; None: not known."""
    examples: tuple[Example, ...]

    @property
    def ok(self) -> bool:
        return not (self.missing or self.unexpected or self.different)


def verify_index(settings: Settings) -> IndexVerification:
    """Compare.

    Raises:
        UsageError: OpenSearch is not enabled.
        ClickstreamError: a server does not answer; there is no index, or there are no tables yet.
    """
    search = settings.opensearch
    if not search.enabled:
        raise UsageError("OPENSEARCH_ENABLED is false: there is no index to verify", hint="set it to true")
    behind = _behind(settings)
    faults = _Faults()
    with EventsReader(postgres_of(settings)) as events, IndexReader(search) as index:
        documents = index.refresh()
        expected, found = events.buckets(), index.buckets()
        differing = [one for one in sorted({*expected, *found}) if not _same(expected, found, one)]
        for bucket in differing:
            if bucket not in found:
                faults.add_all(MISSING, expected[bucket].events, events.rows(bucket))
            elif bucket not in expected:
                faults.add_all(UNEXPECTED, found[bucket].events, index.rows(bucket))
            else:
                faults.add(differences(events.rows(bucket), index.rows(bucket)))
        faults.add_transactions(differences(events.rows_with_transaction(), index.rows_with_transaction()), differing)
        counted = sum(sums.events for sums in found.values())
        stored = sum(sums.events for sums in expected.values())
    return IndexVerification(
        index=search.events_index,
        events=stored,
        documents=documents,
        missing=faults.counts[MISSING],
        # What has no time or no kind is in no bucket.
        unexpected=faults.counts[UNEXPECTED] + max(0, documents - counted),
        different=faults.counts[DIFFERENT],
        different_days=len(differing),
        refused=count_refusals(postgres_of(settings), reason_begins=REASON),
        behind=behind,
        examples=tuple(faults.examples),
    )


def document(verification: IndexVerification) -> dict[str, Any]:
    """As plain data, verdict first."""
    return {"ok": verification.ok, **asdict(verification)}


class _Faults:
    """Counts them, and keeps the first as examples."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(IndexFault, 0)
        self.examples: list[Example] = []

    def add(self, pairs: Iterable[tuple[Row | None, Row | None]]) -> None:
        for event, found in pairs:
            fault = MISSING if found is None else UNEXPECTED if event is None else DIFFERENT
            self._count(fault, event or found)

    def add_all(self, fault: IndexFault, count: int, rows: Generator[Row, None, None]) -> None:
        """All of a bucket: no more rows are read than are shown."""
        self.counts[fault] += count
        with closing(rows):
            shown = islice(rows, MOST_EXAMPLES - len(self.examples))
            self.examples += [Example(fault, row.id) for row in shown]

    def add_transactions(self, pairs: Iterable[tuple[Row | None, Row | None]], told: list[Bucket]) -> None:
        """Rows that only one side has with a transaction: elsewhere than where all rows were told already."""
        seen: set[tuple[int, int, str, int]] = set()
        done = set(told)
        for event, found in pairs:
            row = event or found
            if row is None or Bucket.of(row) in done or row.identity in seen:
                continue
            seen.add(row.identity)
            self._count(DIFFERENT, row)

    def _count(self, fault: IndexFault, row: Row | None) -> None:
        self.counts[fault] += 1
        if row is not None and len(self.examples) < MOST_EXAMPLES:
            self.examples.append(Example(fault, row.id))


def _same(expected: dict[Bucket, Any], found: dict[Bucket, Any], bucket: Bucket) -> bool:
    one, other = expected.get(bucket), found.get(bucket)
    return one is not None and other is not None and one.same(other)


def _behind(settings: Settings) -> int | None:
    kafka = kafka_of(settings)
    try:
        with OffsetReader(kafka) as reader, GroupReader(kafka, settings.opensearch.consumer_group_id) as group:
            topic = reader.describe(kafka.events_topic)
            if topic is None:
                return 0
            positions = group.read(topic.topic_id, topic.partitions)
            held = reader.read(topic)
    except ClickstreamError:
        return None
    return sum(max(0, one.end - positions.get(partition, one.begin)) for partition, one in held.items())
