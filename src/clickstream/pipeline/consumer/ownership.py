"""The partitions that the group gave this worker: finding where each goes on, and its open sessions.

Assigned partitions wait here, paused, until PostgreSQL told where they go on. Knows nothing of batches in flight.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from clickstream.config.settings import KafkaSettings, PostgresSettings, Settings, ValkeySettings
from clickstream.domain.errors import Fenced, OffsetLost, ServiceRefused, Void
from clickstream.pipeline.consumer.partition import EVERYTHING_IS_LATE, Partition, cold_window, restored, saved
from clickstream.pipeline.consumer.sizer import Isolation
from clickstream.pipeline.consumer.visitors import Homes
from clickstream.pipeline.group.assignment import known_topic, written_end
from clickstream.pipeline.sessions.window import Window
from clickstream.services.kafka.admin import TopicInfo
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.postgres.homes import HomesMoved, VisitorsMoved
from clickstream.services.postgres.lookup import SessionLookup
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.store import Store
from clickstream.services.postgres.writes import BatchRefused, Outcome, PartitionKey, Position, StaleWindow
from clickstream.services.valkey.windows import WindowCache

_logger = logging.getLogger("clickstream.consumer")

DISTRUST_LIMIT: Final = 5
"""How often in a row a partition may find rows stored that it took for new before that is called a fault."""

OFFSET_CHECK_SECONDS: Final = 1.0
"""How soon an idle worker notices a rewind."""


class Ownership:
    """Which partitions are ours, which of them are open, and the connections that they are worked with."""

    def __init__(
        self,
        settings: Settings,
        servers: tuple[KafkaSettings, PostgresSettings, ValkeySettings],
        *,
        name: str,
        accept_gap: bool,
    ) -> None:
        self.open: dict[int, Partition] = {}
        self.waiting: set[int] = set()
        """Assigned, and not open yet."""
        self._settings = settings
        self._kafka, self._postgres, self._valkey = servers
        self._name = name
        self._accept_gap = accept_gap
        self._distrusted: Counter[int] = Counter()
        self._homes: Homes | None = None
        self._offsets_checked = time.monotonic()
        self.isolation = Isolation(settings.pipeline.batch_size)
        self._topic_id = ""
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

    def assigned(self, partitions: list[int]) -> None:
        _logger.info("assigned: partitions %s", partitions)
        self.waiting |= set(partitions)

    def dropped(self, partitions: Iterable[int]) -> None:
        """These are ours no more."""
        _logger.info("given up: partitions %s", list(partitions))
        for partition in partitions:
            self.open.pop(partition, None)
            self.waiting.discard(partition)

    def check_offsets(self) -> None:
        """Now and then: raises Fenced when somebody moved the offset of a partition that is at rest (a rewind)."""
        if not self.open or time.monotonic() - self._offsets_checked < OFFSET_CHECK_SECONDS:
            return
        self._offsets_checked = time.monotonic()
        if all(partition.settled for partition in self.open.values()):
            stored = self.store.offsets(self._topic_id)
            for number, partition in self.open.items():
                if stored.get(number) != partition.committed_offset:
                    raise Fenced(f"offset {partition.committed_offset} of partition {number} was moved")

    def blame(self, error: Void) -> None:
        """Learn from why a batch could not be stored.

        Raises:
            ServiceRefused: it is always the same.
        """
        if isinstance(error, StaleWindow):
            self._distrust(error.partition)
        elif isinstance(error, VisitorsMoved):
            self.isolation.crossed(error.partition)
        elif isinstance(error, BatchRefused):
            self.isolation.refused(
                error.partition, messages=error.messages, last_offset=error.last_offset, reason=error.reason
            )

    def stored(self, partition: int, outcome: Outcome, *, events: int) -> None:
        """A batch of this partition was stored: all is well."""
        del self._distrusted[partition]
        self.isolation.stored(partition, events=events)
        if self._homes is not None:
            self._homes.learn(outcome)

    def _distrust(self, partition: int) -> None:
        """What this partition remembers of open sessions is wrong: next time it will look everything up."""
        self._distrusted[partition] += 1
        if self._distrusted[partition] > DISTRUST_LIMIT:
            raise ServiceRefused(
                f"partition {partition} finds events stored that PostgreSQL does not show it",
                hint="does something else than clickstream write into the tables of PG_SCHEMA_NAME?",
            )

    def close(self) -> None:
        """Forget everything but which partitions are ours; their offsets are read anew when they are opened."""
        self.waiting |= set(self.open)
        self.open.clear()
        for connection in (self._store, self._lookup, self._windows):
            if connection is not None:
                connection.close()
        self._store = self._lookup = self._windows = None

    def open_waiting(self, consumer: EventConsumer) -> None:
        """Open every partition that waits.

        Raises:
            OffsetLost: Kafka does not hold the offset at which a partition must go on.
            HomesMoved: the topic has grown; what is open must be opened anew, too.
            ServiceUnavailable, ServiceRefused: a server is away; what is open stays open.
        """
        topic = self._know_topic()
        # A connection of its own: the one that commits may be at work on another thread.
        with closing(Store(self._postgres, application_name=f"clickstream {self._name} offsets")) as offsets:
            if self._settings.pipeline.auto_offset_reset == "latest":
                ends = {partition: consumer.available(partition)[1] for partition in range(topic.partitions)}
                offsets.begin(topic.name, topic.topic_id, ends)
            homes = self._agree(offsets, topic)
            for partition in sorted(self.waiting):
                key = PartitionKey(topic.name, topic.topic_id, partition)
                position = self._position(consumer, offsets, key)
                self.open[partition] = Partition(key, position, self._window(partition, position), homes)
                self.waiting.discard(partition)
                consumer.start(partition, position.next_offset)
                _logger.info("partition %d goes on at offset %d", partition, position.next_offset)

    def _agree(self, offsets: Store, topic: TopicInfo) -> Homes:
        """Homes as they are agreed on now: asked for before any position, so that nothing slips in between."""
        agreement, strays = offsets.agree(topic.name, topic.topic_id, topic.partitions)
        if self.open and self._homes is not None:
            if agreement.epoch != self._homes.agreement.epoch:
                raise HomesMoved("visitors' homes have moved")
            return self._homes
        self._homes = Homes(agreement, strays)
        return self._homes

    def keep_windows(self, partitions: Iterable[int]) -> None:
        """Keep the open sessions of those partitions that have nothing in flight, for whoever owns them next."""
        for number in partitions:
            partition = self.open.get(number)
            if partition is None or not partition.settled or self._kept.get(number) == partition.stamp:
                continue
            if self._window_cache().save(number, partition.committed_offset, partition.stamp, saved(partition.window)):
                self._kept[number] = partition.stamp

    def check_topic(self) -> TopicInfo:
        """The topic as it is now; refuses when it is gone, or was deleted and made anew. Safe from any thread."""
        return known_topic(self._kafka, self._topic_id)

    def _know_topic(self) -> TopicInfo:
        topic = self.check_topic()
        if self._store is None:
            timeout = self._settings.pipeline.session_timeout_ms
            migrate(self._postgres, session_timeout_ms=timeout, patience=0)
        self._topic_id = topic.topic_id
        return topic

    def _position(self, consumer: EventConsumer, offsets: Store, key: PartitionKey) -> Position:
        oldest, end = consumer.available(key.partition)
        position = offsets.position(key, first_offset=oldest)
        if position.next_offset > end:
            end = max(end, written_end(self._kafka, key.partition))
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
        timeout = self._settings.pipeline.session_timeout_ms
        if self._distrusted[partition]:
            return Window(timeout, EVERYTHING_IS_LATE)
        kept = self._window_cache().load(partition, position.next_offset, position.stamp)
        return cold_window(position, timeout) if kept is None else restored(kept, timeout)

    def _window_cache(self) -> WindowCache:
        if self._windows is None:
            self._windows = WindowCache(self._valkey, schema=self._postgres.schema_name, topic_id=self._topic_id)
        return self._windows
