"""The partitions that the group gave this indexer: finding where each goes on, and how far it is.

The group's own offset in Kafka is the truth: what is read again changes nothing in the index. Beside each offset
stands which topic and which index it belongs to, so that either, deleted and made anew, is read from the beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import OffsetLost
from clickstream.pipeline.group.assignment import known_topic, written_end
from clickstream.services.kafka.admin import TopicInfo
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.opensearch.index import EventsIndex

_logger = logging.getLogger("clickstream.indexer")


@dataclass(slots=True)
class Place:
    """How far one partition is."""

    prepared: int
    """What is before this offset was handed over."""
    settled: int
    """What is before this one is in the index, or refused."""
    secured: int
    """What is before this one is safe there: it may be committed."""


class Offsets:
    """Which partitions are ours, and which of them are open."""

    def __init__(self, settings: KafkaSettings, index: EventsIndex, *, accept_gap: bool) -> None:
        self.open: dict[int, Place] = {}
        self.waiting: set[int] = set()
        """Assigned, and not open yet."""
        self._settings = settings
        self._index = index
        self._accept_gap = accept_gap
        self._topic_id = ""
        self._index_id = ""
        self._uncommitted: set[int] = set()

    @property
    def topic(self) -> tuple[str, str]:
        """Name and id."""
        return self._settings.events_topic, self._topic_id

    def assigned(self, partitions: list[int]) -> None:
        _logger.info("assigned: partitions %s", partitions)
        self.waiting |= set(partitions)

    def dropped(self, partitions: Iterable[int]) -> None:
        """These are ours no more."""
        _logger.info("given up: partitions %s", list(partitions))
        for partition in partitions:
            self.open.pop(partition, None)
            self.waiting.discard(partition)
            self._uncommitted.discard(partition)

    def close(self) -> None:
        """Forget where the open ones are; that is looked up anew."""
        self.waiting |= set(self.open)
        self.open.clear()
        self._uncommitted.clear()

    def open_waiting(self, consumer: EventConsumer) -> None:
        """Open every partition that waits, and make the index where there is none.

        Raises:
            OffsetLost: Kafka has removed messages that were never indexed.
            ServiceUnavailable, ServiceRefused: a server is away; what is open stays open.
        """
        topic = self.check_topic()
        index_id = self._index.ensure()
        if self.open and (topic.topic_id, index_id) != (self._topic_id, self._index_id):
            consumer.stop(list(self.open))
            self.close()
        self._topic_id, self._index_id = topic.topic_id, index_id
        committed = consumer.committed(sorted(self.waiting))
        for partition in sorted(self.waiting):
            known = committed[partition].of(self._note) if partition in committed else None
            offset = self._begin(consumer, partition, known)
            self.open[partition] = Place(offset, offset, offset)
            self.waiting.discard(partition)
            consumer.start(partition, offset)
            _logger.info("partition %d goes on at offset %d", partition, offset)

    def settled(self, next_offsets: dict[int, int]) -> None:
        """What is before these offsets is done with."""
        for partition, offset in next_offsets.items():
            if place := self.open.get(partition):
                place.settled = offset

    @property
    def ahead(self) -> dict[int, int]:
        """Up to which offset was handed over, where that is not secured yet."""
        return {partition: place.prepared for partition, place in self.open.items() if place.prepared > place.secured}

    def secured(self, next_offsets: dict[int, int]) -> None:
        """What is before these offsets is safe in the index."""
        for partition, offset in next_offsets.items():
            if (place := self.open.get(partition)) and offset > place.secured:
                place.secured = offset
                self._uncommitted.add(partition)

    def lag(self, consumer: EventConsumer, partition: int) -> int | None:
        """Messages behind in an open partition; None where that is not known."""
        end = consumer.known_end(partition)
        return None if end is None else max(0, end - self.open[partition].settled)

    def behind(self, consumer: EventConsumer) -> int | None:
        """Messages behind in all our partitions; None while that of one is not known."""
        if self.waiting or not self.open:
            return None
        lags = [self.lag(consumer, partition) for partition in self.open]
        return None if None in lags else sum(lag for lag in lags if lag is not None)

    def commit(self, consumer: EventConsumer, *, wait: bool = False) -> None:
        """Tell the group what is secured."""
        consumer.commit({p: self.open[p].secured for p in self._uncommitted}, note=self._note, wait=wait)
        self._uncommitted.clear()

    def uncommitted(self, partitions: Iterable[int]) -> None:
        """The group has not taken what was told of these: it is told again."""
        self._uncommitted |= {partition for partition in partitions if partition in self.open}

    def check_topic(self) -> TopicInfo:
        """The topic as it is now; refuses when it is gone, or was deleted and made anew. Safe from any thread."""
        return known_topic(self._settings, self._topic_id)

    def index_is_another(self) -> bool:
        """Whether the index was deleted (and made anew) since the partitions were opened. Safe from any thread."""
        return bool(self._index_id) and self._index.identity() != self._index_id

    @property
    def _note(self) -> str:
        return f"{self._topic_id} {self._index_id}"

    def _begin(self, consumer: EventConsumer, partition: int, known: int | None) -> int:
        oldest, end = consumer.available(partition)
        if known is not None and known > end:
            end = max(end, written_end(self._settings, partition))
        if known is None or oldest <= known <= end:
            return oldest if known is None else known
        if known > end:
            _logger.warning("partition %d: Kafka has lost messages; all that it holds is read again", partition)
            return oldest
        lost = f"partition {partition} must go on at offset {known}, and Kafka holds {oldest} to {end} only"
        if not self._accept_gap:
            hint = "`clickstream consumer start --type opensearch --accept-gap` goes on without what is between"
            raise OffsetLost(lost, hint=hint)
        _logger.warning("gap accepted: %s", lost)
        return oldest
