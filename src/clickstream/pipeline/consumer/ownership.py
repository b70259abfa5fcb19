"""A consumer's partitions: finding where each goes on, its open sessions, and the connections to PostgreSQL.

Assigned partitions wait, paused, until PostgreSQL has told where they go on. Knows nothing of batches in flight.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from clickstream.config.settings import KafkaSettings, PostgresSettings, Settings, ValkeySettings
from clickstream.domain.errors import BatchInvalidated, OffsetLost, OffsetMoved, ServiceRefused
from clickstream.pipeline.consumer.batch import PreparedBatch
from clickstream.pipeline.consumer.partition import EVERYTHING_IS_LATE, Partition, cold_window, restored, saved
from clickstream.pipeline.consumer.sizer import BatchSizer
from clickstream.pipeline.consumer.visitors import PartitionMap
from clickstream.pipeline.group.assignment import Assignment
from clickstream.pipeline.sessions.window import Window
from clickstream.services.kafka.admin import TopicInfo
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.postgres.lookup import SessionLookup
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.partition_map import PartitionMapMoved, VisitorsMoved
from clickstream.services.postgres.store import Store
from clickstream.services.postgres.writes import BatchRefused, Outcome, PartitionKey, Position, StaleWindow
from clickstream.services.valkey.windows import WindowCache

_logger = logging.getLogger("clickstream.consumer")

DISTRUST_LIMIT: Final = 5
"""How often in a row a partition may find rows stored that it took for new before that is called a fault."""

OFFSET_CHECK_SECONDS: Final = 1.0
"""How soon an idle worker notices a rewind."""


class Ownership(Assignment[Partition]):
    """Which partitions are ours, which of them are open, and the connections that they are worked with."""

    def __init__(
        self,
        settings: Settings,
        servers: tuple[KafkaSettings, PostgresSettings, ValkeySettings],
        kafka: EventConsumer,
        *,
        name: str,
        accept_gap: bool,
    ) -> None:
        super().__init__(servers[0], kafka, _logger)
        self._pipeline = settings.pipeline
        _, self._postgres, self._valkey = servers
        self._name = name
        self._accept_gap = accept_gap
        self._distrusted: Counter[int] = Counter()
        self._map: PartitionMap | None = None
        self._offsets_checked = time.monotonic()
        self.sizer = BatchSizer(settings.pipeline.batch_size)
        self._store: Store | None = None
        self._lookup: SessionLookup | None = None
        self._windows: WindowCache | None = None
        self._kept: dict[int, int] = {}

    @property
    def store(self) -> Store:
        """The connection that commits; made when there is none."""
        if self._store is None:
            self._store = Store(self._postgres, application_name=f"clickstream {self._name}")
        return self._store

    @property
    def lookup(self) -> SessionLookup:
        """The connection that reads sessions; made when there is none."""
        if self._lookup is None:
            self._lookup = SessionLookup(self._postgres, application_name=f"clickstream {self._name} lookup")
        return self._lookup

    def raise_if_invalidated(self, *, busy: bool) -> None:
        """Now and then: raises OffsetMoved when somebody moved the offset of a partition at rest (a rewind)."""
        if busy or not self.open or time.monotonic() - self._offsets_checked < OFFSET_CHECK_SECONDS:
            return
        self._offsets_checked = time.monotonic()
        if all(partition.at_rest for partition in self.open.values()):
            stored = self.store.offsets(self._topic_id)
            for number, partition in self.open.items():
                if stored.get(number) != partition.stored_offset:
                    raise OffsetMoved(f"offset {partition.stored_offset} of partition {number} was moved")

    def on_failure(self, error: BatchInvalidated) -> None:
        if isinstance(error, StaleWindow):
            self._distrust(error.partition)
        elif isinstance(error, VisitorsMoved):
            self.sizer.on_conflict(error.partition)
        elif isinstance(error, BatchRefused):
            self.sizer.on_failure(
                error.partition, messages=error.messages, last_offset=error.last_offset, reason=error.reason
            )

    def stored(self, batch: PreparedBatch, outcome: Outcome) -> None:
        """A batch was stored: all is well with its partition."""
        number = batch.write.key.partition
        if partition := self.open.get(number):
            partition.stored(batch, outcome.revision)
            self._uncommitted[number] = partition.stored_offset
        del self._distrusted[number]
        self.sizer.on_success(number, events=len(batch.write.events))
        if self._map is not None:
            self._map.learn(outcome)

    def _distrust(self, partition: int) -> None:
        """What this partition remembers of open sessions is wrong: next time it will look everything up."""
        self._distrusted[partition] += 1
        if self._distrusted[partition] > DISTRUST_LIMIT:
            raise ServiceRefused(
                f"partition {partition} finds events stored that PostgreSQL does not show it",
                hint="does something else than clickstream write into the tables of PG_SCHEMA_NAME?",
            )

    def close(self) -> None:
        super().close()
        for connection in (self._store, self._lookup, self._windows):
            if connection is not None:
                connection.close()
        self._store = self._lookup = self._windows = None

    def open_assigned(self) -> None:
        topic = self._know_topic()
        # A connection of its own: the one that commits may be at work on another thread.
        with closing(Store(self._postgres, application_name=f"clickstream {self._name} offsets")) as offsets:
            if self._pipeline.auto_offset_reset == "latest":
                ends = {partition: self._kafka.available(partition)[1] for partition in range(topic.partitions)}
                offsets.begin(topic.name, topic.topic_id, ends)
            partition_map = self._agree(offsets, topic)
            for partition in sorted(self.waiting):
                key = PartitionKey(topic.name, topic.topic_id, partition)
                position = self._position(offsets, key)
                window = self._window(partition, position)
                self._start(partition, Partition(key, position, window, partition_map))

    def _agree(self, offsets: Store, topic: TopicInfo) -> PartitionMap:
        """The map as it is agreed on now: asked for before any position, so that nothing slips in between."""
        agreement, foreign_visitors = offsets.agree(topic.name, topic.topic_id, topic.partitions)
        if self.open and self._map is not None:
            if agreement.epoch != self._map.agreement.epoch:
                raise PartitionMapMoved("visitors belong to other partitions now")
            return self._map
        self._map = PartitionMap(agreement, foreign_visitors)
        return self._map

    def keep_windows(self, partitions: Iterable[int]) -> None:
        """Keep the open sessions of those partitions that have nothing in flight, for their next owner."""
        for number in partitions:
            partition = self.open.get(number)
            if partition is None or not partition.at_rest or self._kept.get(number) == partition.revision:
                continue
            if self._window_cache().save(number, partition.stored_offset, partition.revision, saved(partition.window)):
                self._kept[number] = partition.revision

    def _know_topic(self) -> TopicInfo:
        topic = self.check_topic()
        if self._store is None:
            timeout = self._pipeline.session_timeout_ms
            migrate(self._postgres, session_timeout_ms=timeout, patience=0)
        self._topic_id = topic.topic_id
        return topic

    def _position(self, offsets: Store, key: PartitionKey) -> Position:
        oldest, end = self._kafka.available(key.partition)
        position = offsets.position(key, first_offset=oldest)
        if position.next_offset > end:
            end = max(end, self._written_end(key.partition))
        if oldest <= position.next_offset <= end:
            return position
        lost = (
            f"partition {key.partition} must go on at offset {position.next_offset},"
            f" and Kafka holds {oldest} to {end} only"
        )
        if not self._accept_gap:
            raise OffsetLost(lost, hint="`clickstream consumer start --accept-gap` goes on and records the gap")
        offsets.accept_gap(
            key, from_offset=position.next_offset, to_offset=oldest if position.next_offset < oldest else end
        )
        _logger.warning("gap accepted: %s", lost)
        return offsets.position(key, first_offset=oldest)

    def _window(self, partition: int, position: Position) -> Window:
        timeout = self._pipeline.session_timeout_ms
        if self._distrusted[partition]:
            return Window(timeout, EVERYTHING_IS_LATE)
        kept = self._window_cache().load(partition, position.next_offset, position.revision)
        return cold_window(position, timeout) if kept is None else restored(kept, timeout)

    def _window_cache(self) -> WindowCache:
        if self._windows is None:
            self._windows = WindowCache(self._valkey, schema=self._postgres.schema_name, topic_id=self._topic_id)
        return self._windows
