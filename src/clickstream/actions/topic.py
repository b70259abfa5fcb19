"""What the events topic holds."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.lag import missing_topic
from clickstream.actions.servers import kafka_of
from clickstream.config.settings import Settings
from clickstream.services.kafka.admin import OffsetReader


@dataclass(frozen=True, slots=True)
class Partition:
    """What one partition holds: `begin` is its oldest message's offset, `end` the next one's to come."""

    partition: int
    begin: int
    end: int
    messages: int


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic's incarnation."""

    name: str
    topic_id: str
    messages: int
    partitions: tuple[Partition, ...]


def show(settings: Settings) -> Topic:
    """Raises ClickstreamError when the topic is missing or Kafka does not answer."""
    kafka = kafka_of(settings)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            raise missing_topic(kafka.events_topic)
        held = reader.read(topic)
    partitions = tuple(Partition(n, at.begin, at.end, at.end - at.begin) for n, at in held.items())
    return Topic(topic.name, topic.topic_id, sum(one.messages for one in partitions), partitions)
