"""The topic that a worker reads: that it is there, and still the one that the worker began with."""

from __future__ import annotations

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.kafka.admin import TopicInfo, describe_topic


def known_topic(settings: KafkaSettings, topic_id: str) -> TopicInfo:
    """The topic as it is now. `topic_id`: as it was before; empty: not known yet.

    Raises:
        ServiceRefused: it is gone, or was deleted and made anew.
        ServiceUnavailable: Kafka does not answer.
    """
    topic = describe_topic(settings, settings.events_topic)
    if topic is None:
        raise ServiceRefused(
            f"topic {settings.events_topic} does not exist", hint="`clickstream consumer start` makes it"
        )
    if topic_id and topic.topic_id != topic_id:
        raise ServiceRefused(f"topic {topic.name} was deleted and made anew", hint="start again")
    return topic
