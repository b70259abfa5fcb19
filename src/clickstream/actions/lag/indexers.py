"""How far the indexers are behind, partition by partition: a group of its own beside that of the consumers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clickstream.domain.obstacles import Surroundings
from clickstream.domain.processes import Role

if TYPE_CHECKING:
    from clickstream.actions.watch.frame import ProcessRow
    from clickstream.actions.watch.sources import KafkaAnswer


@dataclass(frozen=True, slots=True)
class IndexedPartition:
    """One partition."""

    partition: int
    position: int
    """The group's offset in Kafka: what is before it is in the index."""
    end: int
    lag: int
    owner: str | None
    """The indexer that has it; None where that is not known."""
    foreign_owner: str | None = None
    """The member of the group that has it and is not an indexer."""


@dataclass(frozen=True, slots=True)
class IndexLag:
    """All partitions of the topic."""

    group: str
    total: int
    partitions: tuple[IndexedPartition, ...]


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
    foreign = surroundings.foreign_owners(group) if surroundings else {}
    for partition in sorted(ends):
        position, end = positions.get(partition, begins[partition]), ends[partition]
        owner = owned.get(partition)
        other = None if owner else foreign.get(partition)
        rows.append(IndexedPartition(partition, position, end, max(0, end - position), owner, other))
    return IndexLag(group, sum(row.lag for row in rows), tuple(rows))


def shown_lag(
    group: str, kafka: KafkaAnswer | None, processes: tuple[ProcessRow, ...], around: Surroundings | None = None
) -> IndexLag | None:
    """The same out of what a frame is made of; None where it is not known."""
    if kafka is None or kafka.indexed is None:
        return None
    owned = {partition: row.name for row in processes for partition in row.partitions if row.role == Role.INDEXER}
    return index_lag(group, kafka.indexed, kafka.begins, kafka.ends, owned, around)
