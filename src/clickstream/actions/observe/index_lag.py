"""The indexers' lag by partition; they are a group of their own beside the consumers'. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clickstream.actions.observe.model import IndexedPartition, IndexLag
from clickstream.actions.observe.offsets import index_offsets
from clickstream.actions.observe.processes import owners_of
from clickstream.domain.obstacles import Surroundings
from clickstream.domain.processes import Role

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow
    from clickstream.actions.observe.sources import KafkaAnswer


def index_lag(
    group: str,
    positions: Mapping[int, int],
    begins: Mapping[int, int],
    ends: Mapping[int, int],
    owned: Mapping[int, str],
    surroundings: Surroundings | None = None,
) -> IndexLag:
    """By partition: what the group committed (read before the ends), what Kafka holds, who has it.

    A partition that was never committed is read from its beginning.
    """
    rows = []
    offsets = index_offsets(positions, begins, ends)
    foreign = surroundings.foreign_owners(group) if surroundings else {}
    for partition, at in offsets.items():
        owner = owned.get(partition)
        other = None if owner else foreign.get(partition)
        rows.append(IndexedPartition(partition, at.position, at.end, at.lag, owner, other))
    return IndexLag(group, sum(row.lag for row in rows), tuple(rows))


def shown_lag(
    group: str, kafka: KafkaAnswer | None, processes: tuple[ProcessRow, ...], around: Surroundings | None = None
) -> IndexLag | None:
    """The same out of what a frame is made of; None where it is not known."""
    if kafka is None or kafka.indexed is None:
        return None
    owned = {partition: row.label for partition, row in owners_of(processes, Role.INDEXER).items()}
    return index_lag(group, kafka.indexed, kafka.begins, kafka.ends, owned, around)
