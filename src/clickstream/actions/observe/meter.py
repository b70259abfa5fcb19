"""Reads all offsets at one instant, for actions that follow them: demo, benchmark, the proof after a fault."""

from __future__ import annotations

import time
from dataclasses import dataclass

from clickstream.actions.observe.offsets import PartitionOffsets, index_offsets, missing_topic, positions
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.services.kafka.admin import OffsetReader, TopicInfo
from clickstream.services.kafka.group import GroupReader
from clickstream.services.postgres.inspect import read_offsets
from clickstream.services.postgres.reads import borrow


@dataclass(frozen=True, slots=True)
class Sample:
    """Offsets at one instant: the ends at `at`, the positions just before."""

    at: float
    """Seconds of a monotonic clock."""
    topic: TopicInfo
    partitions: dict[int, PartitionOffsets]
    ages: dict[int, float]
    """Seconds since the partition's last commit; absent: it never committed."""
    indexed: dict[int, PartitionOffsets] | None = None
    """The same of the indexers; None where OpenSearch is not enabled."""

    @property
    def total(self) -> int:
        """Messages that are not stored."""
        return sum(one.lag for one in self.partitions.values())

    @property
    def to_index(self) -> int | None:
        """Messages that are not indexed; None where OpenSearch is not enabled."""
        return None if self.indexed is None else sum(one.lag for one in self.indexed.values())

    @property
    def ends(self) -> dict[int, int]:
        return {partition: one.end for partition, one in self.partitions.items()}

    @property
    def positions(self) -> dict[int, int]:
        return {partition: one.position for partition, one in self.partitions.items()}

    @property
    def indexed_positions(self) -> dict[int, int]:
        return {partition: one.position for partition, one in (self.indexed or {}).items()}


class LagMeter:
    """Takes samples; use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kafka, self._postgres = kafka_of(settings), postgres_of(settings)
        self._reader = OffsetReader(self._kafka)
        search = settings.opensearch
        self._indexers = GroupReader(self._kafka, search.consumer_group_id) if search.enabled else None

    def __enter__(self) -> LagMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__(None, None, None)
        if self._indexers is not None:
            self._indexers.__exit__(None, None, None)

    def sample(self) -> Sample:
        """Raises ClickstreamError when the topic is missing or a server does not answer."""
        topic = self._reader.describe(self._kafka.events_topic)
        if topic is None:
            raise missing_topic(self._kafka.events_topic)
        # Positions first: read after the ends, they might be beyond them, and what waits would count as nothing.
        with borrow(self._postgres) as connection:
            stored = read_offsets(connection, topic=topic.name, topic_id=topic.topic_id)
        indexed = self._indexers.read(topic.topic_id, topic.partitions) if self._indexers else None
        held = self._reader.read(topic)
        begins = {partition: offsets.begin for partition, offsets in held.items()}
        ends = {partition: offsets.end for partition, offsets in held.items()}
        at = positions(
            {partition: one.next_offset for partition, one in stored.items()},
            begins,
            ends,
            self._settings.pipeline.auto_offset_reset,
        )
        return Sample(
            at=time.monotonic(),
            topic=topic,
            partitions={p: PartitionOffsets(begins[p], ends[p], at[p]) for p in ends},
            ages={p: offset.age_seconds for p, offset in stored.items()},
            indexed=None if indexed is None else index_offsets(indexed, begins, ends),
        )
