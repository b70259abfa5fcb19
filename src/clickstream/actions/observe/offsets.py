"""Offsets of the events topic: the only place that subtracts them. And the meter that reads them all at one instant."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError

if TYPE_CHECKING:
    from clickstream.services.kafka.admin import TopicInfo


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """One partition."""

    begin: int
    """The oldest offset that Kafka holds."""
    end: int
    """The offset of the next message to come."""
    position: int
    """What is before it is stored, or indexed; read before `end` was asked for."""

    @property
    def lag(self) -> int:
        """Messages that wait. As the position is the older reading, what was stored in between counts as waiting, and a
        lag of 0 is true."""
        return max(0, self.end - self.position)

    @property
    def held(self) -> int:
        """Messages that Kafka holds."""
        return self.end - self.begin


def positions(
    stored: Mapping[int, int], begins: Mapping[int, int], ends: Mapping[int, int], reset: str
) -> dict[int, int]:
    """Where each partition is: where it was committed, else where it begins to be read (`earliest` or `latest`)."""
    starts = begins if reset == "earliest" else ends
    return {partition: stored.get(partition, starts[partition]) for partition in ends}


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
    """Takes samples over connections that it keeps; use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        # Drivers: whoever merely subtracts offsets, as a front end that opens, needs none.
        from clickstream.actions.servers import kafka_of, postgres_of  # noqa: PLC0415
        from clickstream.services.kafka.admin import OffsetReader  # noqa: PLC0415
        from clickstream.services.kafka.group import GroupReader  # noqa: PLC0415
        from clickstream.services.postgres.connection import connect  # noqa: PLC0415

        self._settings = settings
        self._kafka = kafka_of(settings)
        self._reader = OffsetReader(self._kafka)
        search = settings.opensearch
        self._indexers = GroupReader(self._kafka, search.consumer_group_id) if search.enabled else None
        try:
            self._connection = connect(postgres_of(settings), application_name="clickstream lag")
        except BaseException:
            self._close_readers()
            raise

    def __enter__(self) -> LagMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_readers()
        self._connection.close()

    def _close_readers(self) -> None:
        self._reader.__exit__(None, None, None)
        if self._indexers is not None:
            self._indexers.__exit__(None, None, None)

    def sample(self) -> Sample:
        """Raises ClickstreamError when the topic is missing or a server does not answer."""
        from clickstream.services.postgres.inspect import read_offsets  # noqa: PLC0415

        topic = self._reader.describe(self._kafka.events_topic)
        if topic is None:
            raise missing_topic(self._kafka.events_topic)
        # Positions first: read after the ends, they might be beyond them, and what waits would count as nothing.
        stored = read_offsets(self._connection, topic=topic.name, topic_id=topic.topic_id)
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


def index_offsets(
    committed: Mapping[int, int], begins: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, PartitionOffsets]:
    """Those of the indexers' group, which reads what it never committed from its beginning."""
    at = positions(committed, begins, ends, "earliest")
    return {p: PartitionOffsets(begins[p], ends[p], at[p]) for p in sorted(ends)}


def missing_topic(name: str) -> ClickstreamError:
    """Says how to get it."""
    return ClickstreamError(
        f"topic {name} does not exist", hint="`clickstream consumer start` makes it, and so does `clickstream demo`"
    )
