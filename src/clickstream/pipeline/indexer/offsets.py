"""An indexer's partitions: finding where each goes on, and how far it is.

The group's own offset in Kafka is the truth: what is read again changes nothing in the index. Beside each offset
stands which topic and index it belongs to: if either was created again, reading starts from the beginning.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import BatchInvalidated, OffsetLost
from clickstream.pipeline.group.assignment import Assignment
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.opensearch.index import EventsIndex

_logger = logging.getLogger("clickstream.indexer")


@dataclass(slots=True)
class IndexPosition:
    """How far one partition is."""

    prepared_offset: int
    """What is before this offset was handed over."""
    stored_offset: int
    """What is before this one is in the index, or refused."""
    secured_offset: int
    """What is before this one is safe there: it may be committed."""


class Offsets(Assignment[IndexPosition]):
    """Which partitions are ours, and which of them are open."""

    def __init__(self, settings: KafkaSettings, kafka: EventConsumer, index: EventsIndex, *, accept_gap: bool) -> None:
        super().__init__(settings, kafka, _logger)
        self._index = index
        self._accept_gap = accept_gap
        self._index_id = ""
        self._index_lost = False

    @property
    def topic(self) -> tuple[str, str]:
        """Name and id."""
        return self._settings.events_topic, self._topic_id

    def close(self) -> None:
        super().close()
        self._index_lost = False

    def open_assigned(self) -> None:
        """Open every partition that waits, and make the index where there is none."""
        topic = self.check_topic()
        index_id = self._index.ensure()
        if self.open and (topic.topic_id, index_id) != (self._topic_id, self._index_id):
            self._kafka.stop(list(self.open))
            self.close()
        self._topic_id, self._index_id = topic.topic_id, index_id
        committed = self._kafka.committed(sorted(self.waiting))
        for partition in sorted(self.waiting):
            known = committed[partition].of(self._note) if partition in committed else None
            offset = self._begin(partition, known)
            self._start(partition, IndexPosition(offset, offset, offset))

    def stored(self, next_offsets: dict[int, int]) -> None:
        """What is before these offsets is in the index, or refused."""
        for partition, offset in next_offsets.items():
            if place := self.open.get(partition):
                place.stored_offset = offset

    @property
    def ahead(self) -> dict[int, int]:
        """Up to which offset was handed over, where that is not secured yet."""
        return {n: one.prepared_offset for n, one in self.open.items() if one.prepared_offset > one.secured_offset}

    def secured(self, next_offsets: dict[int, int]) -> None:
        """What is before these offsets is safe in the index."""
        for partition, offset in next_offsets.items():
            if (place := self.open.get(partition)) and offset > place.secured_offset:
                self._uncommitted[partition] = place.secured_offset = offset

    def _safe(self, opened: IndexPosition) -> int:
        return opened.secured_offset

    def behind(self) -> int | None:
        """Messages behind in all our partitions; None while that of one is not known."""
        lags = self.lags()
        return sum(lags.values()) if self.open and len(lags) == len(self.open) and not self.waiting else None

    def check_target(self) -> None:
        """Notice that the index was deleted (and perhaps created again) since the partitions were opened."""
        if self._index_id and self._index.identity() != self._index_id:
            self._index_lost = True

    def raise_if_invalidated(self, *, busy: bool) -> None:
        if self._index_lost:
            raise BatchInvalidated("the index was deleted")

    @property
    def _note(self) -> str:
        return f"{self._topic_id} {self._index_id}"

    def _begin(self, partition: int, known: int | None) -> int:
        oldest, end = self._kafka.available(partition)
        if known is not None and known > end:
            end = max(end, self._written_end(partition))
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
