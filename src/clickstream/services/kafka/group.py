"""How far a consumer group is whose truth is Kafka's own offset, where a note beside each says what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Client
from clickstream.services.kafka.config import translate

TIMEOUT: Final = 5.0
"""Seconds that a request may take."""


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a group is in one partition."""

    next_offset: int
    note: str
    """It begins with the topic's id: the name alone would let a topic that was deleted and made anew pass for the one
    before. Empty where somebody else's tool committed, who means what is there now."""

    def of(self, note: str) -> int | None:
        """The offset, if its note begins so."""
        return self.next_offset if not self.note or self.note.startswith(note) else None


class GroupReader:
    """Reads a group's offsets again and again over one connection; use as a context manager."""

    def __init__(self, settings: KafkaSettings, group_id: str, *, timeout: float = TIMEOUT) -> None:
        self._topic = settings.events_topic
        self._group_id = group_id
        self._timeout = timeout
        self._admin = Client(settings, client_id="clickstream-group")

    def __enter__(self) -> GroupReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.__exit__(None, None, None)

    def read(self, topic_id: str, partitions: int) -> dict[int, int]:
        """Partition to the next offset, of those that the group ever committed for this incarnation of the topic.

        Raises ServiceUnavailable or ServiceRefused.
        """
        places = [TopicPartition(self._topic, partition) for partition in range(partitions)]
        question = ConsumerGroupTopicPartitions(self._group_id, places)
        try:
            futures = self._admin.list_consumer_group_offsets([question], request_timeout=self._timeout)
            answer = self._admin.result(futures[self._group_id], self._timeout + 1)
        except KafkaException as error:
            raise translate(error.args[0]) from error
        found = {
            place.partition: Committed(place.offset, place.metadata or "").of(topic_id)
            for place in answer.topic_partitions
            if place.error is None and place.offset >= 0
        }
        return {partition: offset for partition, offset in found.items() if offset is not None}
