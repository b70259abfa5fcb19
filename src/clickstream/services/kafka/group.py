"""The offsets of a consumer group in Kafka, with the note beside each that says what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Admission
from clickstream.services.kafka.config import client_config, is_transient, opening
from clickstream.services.repeat import PATIENCE, repeat


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """How far a group is in one partition."""

    next_offset: int
    note: str
    """It begins with the topic's id: by its name alone, a topic that was deleted and created again would pass for the
    one before. Empty if another tool committed the offset, which then belongs to the topic that is there now."""

    def of(self, note: str) -> int | None:
        """The offset, if its note begins so."""
        return self.next_offset if not self.note or self.note.startswith(note) else None


class GroupReader:
    """Reads a group's offsets again and again over one connection, without joining it; use as a context manager.

    By a consumer and not by the admin client, whose request for a group's offsets makes librdkafka 2.16 crash when the
    broker answers that it is not the group's coordinator.
    """

    def __init__(self, settings: KafkaSettings, group_id: str, *, timeout: float | None = None) -> None:
        """`timeout`: seconds for everything; None: as long as a coordinator may take to be there."""
        self._topic = settings.events_topic
        self._within = PATIENCE if timeout is None else timeout
        self._admission = Admission(settings)
        with opening(settings):
            config = client_config(settings, client_id="clickstream-group") | {"error_cb": self._admission.note_error}
            self._consumer = Consumer(config | {"group.id": group_id, "enable.auto.commit": False})

    def __enter__(self) -> GroupReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(self, topic_id: str, partitions: int) -> dict[int, int]:
        """Partition to the next offset, of those that the group ever committed for this incarnation of the topic.

        Raises ServiceUnavailable or ServiceRefused.
        """
        places = [TopicPartition(self._topic, partition) for partition in range(partitions)]
        try:
            answered = repeat(lambda: self._ask(places), is_transient=is_transient, within=self._within)
        except KafkaException as error:
            raise self._admission.explain(error.args[0]) from error
        found = {
            place.partition: CommittedOffset(place.offset, place.metadata or "").of(topic_id)
            for place in answered
            if place.offset >= 0
        }
        return {partition: offset for partition, offset in found.items() if offset is not None}

    def _ask(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return known_places(self._consumer.committed(places, timeout=self._within))


def known_places(places: list[TopicPartition]) -> list[TopicPartition]:
    """Those of partitions that Kafka knows. Raises KafkaException with the first error of another kind."""
    for place in places:
        if place.error is not None and place.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise KafkaException(place.error)
    return [place for place in places if place.error is None]
