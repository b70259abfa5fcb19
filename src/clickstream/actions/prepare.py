"""Making the events topic and the tables where they are missing."""

from __future__ import annotations

from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import KafkaSettings, Settings
from clickstream.services.kafka import admin
from clickstream.services.kafka.admin import TopicInfo
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
        ClickstreamError: a server does not answer or refuses.
    """
    kafka = kafka_of(settings)
    topic = admin.create_topic(kafka)
    if topic.partitions == kafka.partitions or not settings.embedded or _in_use(settings, kafka, topic):
        return topic
    admin.delete_topic(kafka, topic.name)
    return admin.create_topic(kafka)


def _in_use(settings: Settings, kafka: KafkaSettings, topic: TopicInfo) -> bool:
    groups = (settings.pipeline.consumer_group_id, settings.opensearch.consumer_group_id)
    return any(offsets.end for offsets in admin.read_offsets(kafka, topic).values()) or any(
        admin.group_members(kafka, group) for group in groups
    )
