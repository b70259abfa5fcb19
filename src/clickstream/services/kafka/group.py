"""How far a consumer group is whose truth is Kafka's own offset, where a note beside each says what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Client
from clickstream.services.kafka.config import passes, translate
from clickstream.services.repeat import PATIENCE, repeat


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

    def __init__(self, settings: KafkaSettings, group_id: str, *, timeout: float | None = None) -> None:
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
        within = PATIENCE if self._timeout is None else self._timeout
        try:
            answered = repeat(lambda: self._ask(places), passes=passes, within=within)
        except KafkaException as error:
            raise translate(error.args[0]) from error
        found = {
            place.partition: Committed(place.offset, place.metadata or "").of(topic_id)
            for place in answered
            if place.offset >= 0
        }
        return {partition: offset for partition, offset in found.items() if offset is not None}

    def _ask(self, places: list[TopicPartition]) -> list[TopicPartition]:
        question = ConsumerGroupTopicPartitions(self._group_id, places)
        answer = self._admin.results(
            lambda seconds: self._admin.list_consumer_group_offsets([question], request_timeout=seconds), self._timeout
        )[self._group_id]
        return known_places(answer.topic_partitions)


def known_places(places: list[TopicPartition]) -> list[TopicPartition]:
    """Those of partitions that Kafka knows. Raises KafkaException with the first error of another kind."""
    for place in places:
        if place.error is not None and place.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise KafkaException(place.error)
    return [place for place in places if place.error is None]
