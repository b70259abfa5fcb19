"""The surroundings of the topic in Kafka, read once, and the obstacles among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.actions.servers import kafka_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.obstacles import Obstacle, PartitionProgress, Surroundings, obstacles
from clickstream.services.kafka.surroundings import SurroundingsReader

if TYPE_CHECKING:
    from clickstream.actions.observe.meter import Sample

LOOK_WITHIN = 5.0
"""Seconds that an answer may take."""


def groups_of(settings: Settings) -> tuple[str, ...]:
    """The consumer groups that are ours."""
    indexers = (settings.opensearch.consumer_group_id,) if settings.opensearch.enabled else ()
    return (settings.pipeline.consumer_group_id, *indexers)


def read_surroundings(settings: Settings) -> Surroundings | None:
    """How it is now; None where there is no topic. Raises ClickstreamError where Kafka does not answer."""
    with SurroundingsReader(kafka_of(settings), groups_of(settings), timeout=LOOK_WITHIN) as reader:
        return reader.read()


def progress_of(sample: Sample) -> dict[int, PartitionProgress]:
    """How far the consumers are."""
    return {p: PartitionProgress(one.position, one.end, sample.ages.get(p)) for p, one in sample.partitions.items()}


def obstacles_now(settings: Settings, found: Surroundings) -> tuple[Obstacle, ...]:
    """What keeps messages from being stored; where PostgreSQL does not answer, without open transactions."""
    from clickstream.actions.observe.meter import LagMeter  # noqa: PLC0415 (it needs this module)

    try:
        with LagMeter(settings) as meter:
            progress = progress_of(meter.sample())
    except ClickstreamError:
        progress = {}
    return obstacles(found, progress)
