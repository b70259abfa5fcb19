"""Creates the events topic and the tables where they are missing."""

from __future__ import annotations

from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import KafkaSettings, Settings
from clickstream.domain.errors import ServiceRefused
from clickstream.domain.obstacles import compaction, is_compacted
from clickstream.services.kafka import admin
from clickstream.services.kafka.admin import TopicInfo
from clickstream.services.kafka.surroundings import topic_configs
from clickstream.services.postgres.migrate import migrate


def prepare(settings: Settings) -> TopicInfo:
    """Make the tables and the topic, where they are missing.

    Raises:
        ClickstreamError: a server does not answer or refuses.
    """
    migrate(postgres_of(settings), session_timeout_ms=settings.pipeline.session_timeout_ms)
    return prepare_topic(settings)


def prepare_topic(settings: Settings) -> TopicInfo:
    """Make the topic where it is missing; the topic as it is now.

    `stack up` makes one, too, and KAFKA_EVENTS_TOPIC_PARTITIONS may change before the first worker starts: until then
    the embedded stack makes its topic again. That is so while it has held no message and no consumer reads it.

    Raises:
        ServiceRefused: messages would go from it unread, as it is compacted.
        ClickstreamError: a server does not answer or refuses.
    """
    kafka = kafka_of(settings)
    topic = admin.create_topic(kafka)
    if topic.partitions != kafka.partitions and settings.embedded and not _in_use(settings, kafka, topic):
        admin.delete_topic(kafka, topic.name)
        topic = admin.create_topic(kafka)
    refuse_compacted(kafka, topic)
    return topic


def refuse_compacted(kafka: KafkaSettings, topic: TopicInfo) -> None:
    """Raise ServiceRefused where Kafka may remove messages before they are read, as there are newer ones of a visitor.

    Where this user may not read the topic's settings, nothing is known and nothing is said.
    """
    configs = topic_configs(kafka)
    if configs is not None and is_compacted(configs):
        found = compaction(topic.name, configs)
        raise ServiceRefused(found.message, hint=found.hint)


def _in_use(settings: Settings, kafka: KafkaSettings, topic: TopicInfo) -> bool:
    groups = (settings.pipeline.consumer_group_id, settings.opensearch.consumer_group_id)
    return any(offsets.end for offsets in admin.read_offsets(kafka, topic).values()) or any(
        admin.group_members(kafka, group) for group in groups
    )
