"""The topic that a worker reads: that it is there, and still the one that the worker began with."""

from __future__ import annotations

from typing import Final

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.kafka.admin import OffsetReader, TopicInfo, describe_topic
from clickstream.services.repeat import repeat

APPEARS_WITHIN: Final = 3.0
"""Seconds that a topic may take until every broker knows it; until then it may seem to be missing."""


class _Missing(ServiceRefused):
    """Kafka has no such topic, as far as the broker that answered knows."""


def known_topic(settings: KafkaSettings, topic_id: str) -> TopicInfo:
    """The topic as it is now. `topic_id`: as it was before; empty: not known yet.

    Raises:
        ServiceRefused: it is gone, or was deleted and made anew.
        ServiceUnavailable: Kafka does not answer.
    """
    topic = repeat(
        lambda: _described(settings), passes=lambda error: isinstance(error, _Missing), within=APPEARS_WITHIN
    )
    if topic_id and topic.topic_id != topic_id:
        raise ServiceRefused(f"topic {topic.name} was deleted and made anew", hint="start again")
    return topic


def written_end(settings: KafkaSettings, partition: int) -> int:
    """The next offset to come in a partition, also where an open transaction keeps consumers from reading so far.

    Raises ServiceUnavailable or ServiceRefused.
    """
    with OffsetReader(settings) as reader:
        topic = reader.describe(settings.events_topic)
        return reader.read(topic)[partition].end if topic else 0


def _described(settings: KafkaSettings) -> TopicInfo:
    topic = describe_topic(settings, settings.events_topic)
    if topic is None:
        raise _Missing(f"topic {settings.events_topic} does not exist", hint="`clickstream consumer start` makes it")
    return topic
