"""Describes the events topic, and gives it more partitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.actions.observe.offsets import missing_topic
from clickstream.actions.observe.surroundings import obstacles_now, read_surroundings
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.obstacles import Obstacle, Surroundings
from clickstream.services.kafka.admin import OffsetReader, create_partitions, describe_topic
from clickstream.services.postgres.inspect import read_gaps

MOST_PARTITIONS = 1000
"""As many as KAFKA_EVENTS_TOPIC_PARTITIONS may ask for; each is one consumer process."""


@dataclass(frozen=True, slots=True)
class PartitionMessages:
    """What one partition holds: `begin` is its oldest message's offset, `end` the next one's to come."""

    partition: int
    begin: int
    end: int
    messages: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that were never read: Kafka had removed them, or a rewind skipped them; somebody accepted that."""

    partition: int
    from_offset: int
    to_offset: int
    messages: int
    accepted_at: str


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic's incarnation."""

    name: str
    topic_id: str
    messages: int
    partitions: tuple[PartitionMessages, ...]
    gaps: tuple[Gap, ...] | None
    """None: PostgreSQL, which keeps them, could not be asked."""
    configs: Mapping[str, str] | None = None
    """Its settings that say when Kafka removes messages; None: this user may not read them, or Kafka does not tell."""
    obstacles: tuple[Obstacle, ...] = ()
    """What in Kafka keeps messages from being stored."""


@dataclass(frozen=True, slots=True)
class ResizeResult:
    """How many partitions there were and are."""

    topic: str
    before: int
    now: int

    def summary(self) -> str:
        if self.before == self.now:
            return f"topic {self.topic} has {self.now} partitions already"
        return (
            f"topic {self.topic}: {self.before} → {self.now} partitions; `clickstream consumer start` starts a consumer"
            " for each new one"
        )


def show(settings: Settings) -> Topic:
    """Raises ClickstreamError when the topic is missing or Kafka does not answer."""
    kafka = kafka_of(settings)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            raise missing_topic(kafka.events_topic)
        held = reader.read(topic)
    partitions = tuple(PartitionMessages(n, at.begin, at.end, at.end - at.begin) for n, at in held.items())
    messages = sum(one.messages for one in partitions)
    gaps, around = _gaps(settings, topic.topic_id), _surroundings(settings)
    found = obstacles_now(settings, around) if around else ()
    return Topic(topic.name, topic.topic_id, messages, partitions, gaps, around.configs if around else None, found)


def resize(settings: Settings, partitions: int) -> ResizeResult:
    """Give the topic so many partitions. Running consumers share the new ones within half a minute.

    What is stored stays right, although visitors move between partitions: consumers agree on that in PostgreSQL.

    Raises:
        UsageError: fewer than there are, which Kafka cannot do, or too many.
        ClickstreamError: the topic is missing; Kafka does not answer or refuses.
    """
    kafka = kafka_of(settings)
    topic = describe_topic(kafka, kafka.events_topic)
    if topic is None:
        raise missing_topic(kafka.events_topic)
    if partitions < topic.partitions:
        raise UsageError(
            f"topic {topic.name} has {topic.partitions} partitions, and Kafka cannot take any away",
            hint=f"`clickstream data reset` recreates it, empty, with KAFKA_EVENTS_TOPIC_PARTITIONS={partitions}",
        )
    if partitions > MOST_PARTITIONS:
        raise UsageError(f"{partitions} partitions are too many: each is a process", hint=f"at most {MOST_PARTITIONS}")
    if partitions > topic.partitions:
        create_partitions(kafka, topic.name, partitions)
    return ResizeResult(topic.name, topic.partitions, partitions)


def _surroundings(settings: Settings) -> Surroundings | None:
    try:
        return read_surroundings(settings)
    except ClickstreamError:
        return None


def _gaps(settings: Settings, topic_id: str) -> tuple[Gap, ...] | None:
    try:
        found = read_gaps(postgres_of(settings), topic=kafka_of(settings).events_topic, topic_id=topic_id)
    except ClickstreamError:
        return None
    return tuple(Gap(one.partition, one.from_offset, one.to_offset, one.messages, one.accepted_at) for one in found)
