"""The partitions that the group assigned to this worker: which wait, which are open, and the offsets to commit.

It also checks that their topic exists and is still the one that the worker began with.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final, Generic, Protocol, TypeVar

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import BatchInvalidated, ServiceRefused
from clickstream.services.kafka.admin import OffsetReader, TopicInfo, describe_topic
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.repeat import repeat

APPEARS_WITHIN: Final = 3.0
"""Seconds that a topic may take until every broker knows it; until then it may seem to be missing."""


class OpenPartition(Protocol):
    """How far an open partition is."""

    prepared_offset: int
    """What is before it was handed over."""
    stored_offset: int
    """What is before it is stored, or refused for good."""


P = TypeVar("P", bound=OpenPartition)


class Assignment(ABC, Generic[P]):
    """Which partitions are ours, and which of them are open. Assigned ones wait, paused, until they are opened."""

    def __init__(self, settings: KafkaSettings, kafka: EventConsumer, logger: logging.Logger) -> None:
        self.open: dict[int, P] = {}
        self.waiting: set[int] = set()
        """Assigned, and not open yet."""
        self._settings = settings
        self._kafka = kafka
        self._logger = logger
        self._topic_id = ""
        self._uncommitted: dict[int, int] = {}
        """Offsets that the group has not been told."""

    def assigned(self, partitions: list[int]) -> None:
        self._logger.info("assigned: partitions %s", partitions)
        self.waiting |= set(partitions)

    def drop(self, partitions: Iterable[int]) -> None:
        """These are ours no more."""
        self._logger.info("given up: partitions %s", list(partitions))
        for partition in partitions:
            self.open.pop(partition, None)
            self.waiting.discard(partition)
            self._uncommitted.pop(partition, None)

    def close(self) -> None:
        """Forget everything but which partitions are ours; where they go on is looked up when they are opened."""
        self.waiting |= set(self.open)
        self.open.clear()
        self._uncommitted.clear()

    @abstractmethod
    def open_assigned(self) -> None:
        """Open every partition that waits.

        Raises:
            OffsetLost: Kafka does not hold the offset at which a partition must go on.
            BatchInvalidated: what is open must be opened again, too.
            ServiceUnavailable, ServiceRefused: a server is away; what is open stays open.
        """

    def _start(self, partition: int, opened: P) -> None:
        self.open[partition] = opened
        self.waiting.discard(partition)
        self._kafka.start(partition, opened.prepared_offset)
        self._logger.info("partition %d goes on at offset %d", partition, opened.prepared_offset)

    def raise_if_invalidated(self, *, busy: bool) -> None:
        """Raise BatchInvalidated where somebody has changed what the open partitions depend on."""

    def on_failure(self, error: BatchInvalidated) -> None:
        """Learn from why a batch could not be stored. Raises ServiceRefused when it is always the same."""

    def check_target(self) -> None:
        """Notice that what messages are written to is another now. Called on another thread."""

    def commit(self, *, wait: bool = False) -> None:
        """Tell the group how far its partitions are."""
        self._kafka.commit(self._uncommitted, note=self._note, wait=wait)
        self._uncommitted.clear()

    def mark_uncommitted(self, partitions: Iterable[int]) -> None:
        """The group has not taken what it was told of these: it is told again."""
        self._uncommitted |= {number: self._safe(self.open[number]) for number in partitions if number in self.open}

    def _safe(self, opened: P) -> int:
        """Up to which offset the group may be told that messages are dealt with."""
        return opened.stored_offset

    @property
    def _note(self) -> str:
        """What stands beside each offset in the group."""
        return ""

    def lags(self) -> dict[int, int]:
        """Messages behind in each open partition of which that is known."""
        ends = {number: self._kafka.known_end(number) for number in self.open}
        return {n: max(0, end - self.open[n].stored_offset) for n, end in ends.items() if end is not None}

    def check_topic(self) -> TopicInfo:
        """The topic as it is now. Safe from any thread.

        Raises:
            ServiceRefused: it was deleted, and perhaps created again.
            ServiceUnavailable: Kafka does not answer.
        """
        topic = repeat(
            lambda: _described(self._settings),
            is_transient=lambda error: isinstance(error, _TopicMissing),
            within=APPEARS_WITHIN,
        )
        if self._topic_id and topic.topic_id != self._topic_id:
            raise ServiceRefused(f"topic {topic.name} was deleted and created again", hint="start again")
        return topic

    def _written_end(self, partition: int) -> int:
        """The next offset to come, also where an open transaction keeps consumers from reading so far."""
        with OffsetReader(self._settings) as reader:
            topic = reader.describe(self._settings.events_topic)
            return reader.read(topic)[partition].end if topic else 0


class _TopicMissing(ServiceRefused):
    """Kafka has no such topic, as far as the broker that answered knows."""


def _described(settings: KafkaSettings) -> TopicInfo:
    topic = describe_topic(settings, settings.events_topic)
    if topic is None:
        hint = "`clickstream consumer start` makes it"
        raise _TopicMissing(f"topic {settings.events_topic} does not exist", hint=hint)
    return topic
