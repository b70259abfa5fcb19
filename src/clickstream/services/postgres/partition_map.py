"""Which partition each visitor belongs to, as all consumers of a schema agree on it, and which visitors were foreign.

Foreign visitors are those whose events are read from another partition than their own. The protocol: a batch takes one
lock, shared if it holds no foreign visitor, and alone if it does. In that case it counts their stored events around
the new ones. Events are never removed, so an unchanged count means that no other batch has written theirs meanwhile.
Then it names these visitors and raises the version. Every batch compares the version that it was prepared at; if its
visitors were named since, it is prepared again, with those looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from clickstream.domain.errors import BatchInvalidated, OffsetMoved
from clickstream.services.postgres import lookup
from clickstream.services.postgres.connection import Connection, translated
from clickstream.services.postgres.parameters import BigintArray

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

KEPT_VERSIONS: Final = 1_000
"""Older entries of stray_visitors are merged into one."""

_LOCK: Final = "hashtextextended('clickstream homes ' || current_schema(), 0)"

_SILENT: Final = "1 minute"
"""A topic whose offsets have not moved for that long makes room for another one in its schema."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What all consumers of a schema hold for true at one version."""

    epoch: int
    """Grows when visitors get other partitions: nothing that is remembered of open sessions may be used."""
    version: int
    """Grows with each batch that held foreign visitors."""
    partitions: int
    """A visitor's own is the hash modulo this; 0: the schema is another topic's, so that all visitors are foreign."""


@dataclass(frozen=True, slots=True)
class ForeignVisitors:
    """A batch's new events whose visitors belong to another partition."""

    visitors: Int64Array
    """Distinct, ascending."""
    span_visitor: Int64Array
    """The surroundings of their events: visitors (parallel arrays),"""
    span_low_ms: Int64Array
    """from,"""
    span_high_ms: Int64Array
    """and to."""
    known: int
    """How many stored events the sessions in these surroundings held when they were looked up."""


class PartitionMapMoved(BatchInvalidated):
    """The map is another than when the batch was prepared: open every partition again."""


class VisitorsMoved(BatchInvalidated):
    """Somebody else stored events of the batch's visitors meanwhile: prepare it again."""

    def __init__(self, partition: int) -> None:
        super().__init__(f"partition {partition}: other partitions hold events of its visitors")
        self.partition = partition


def agree(connection: Connection, topic: str, topic_id: str, partitions: int) -> Agreement:
    """The agreement; changes the map where the topic has grown or is a new one, or the other one has gone silent."""
    with translated():
        agreed = _agreed(connection, topic_id)
        if agreed is not None and agreed.partitions >= partitions:
            return agreed
        with connection.transaction():
            lock(connection, alone=True)
            _move(connection, topic, topic_id, partitions)
            agreed = _agreed(connection, topic_id)
        if agreed is None:
            raise OffsetMoved("the tables were emptied while the partition map was agreed on")
        return agreed


def lock(connection: Connection, *, alone: bool) -> None:
    """Hold the lock until the transaction ends."""
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    connection.execute(f"SELECT {function}({_LOCK})".encode())


def foreign_since(connection: Connection, version: int, topic_id: str, partition: int) -> tuple[Int64Array, Int64Array]:
    """Foreign visitors that were stored after this version: by anybody, and by others than this partition."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(
            "SELECT topic_id = %s AND partition = %s, visitors FROM stray_visitors WHERE version > %s",
            [topic_id, partition, version],
        ).fetchall()
    everybody = [np.array(visitors, np.int64) for _, visitors in rows]
    others = [visitors for visitors, (own, _) in zip(everybody, rows, strict=True) if not own]
    return _union(everybody), _union(others)


def unchanged(connection: Connection, foreign: ForeignVisitors) -> bool:
    """True if no batch stored events around these since they were looked up; call it while the lock is held alone."""
    spans = lookup.parameters_of(foreign.span_visitor, foreign.span_low_ms, foreign.span_high_ms)
    row = connection.execute(lookup.COUNT_AROUND, spans).fetchone()
    return row is not None and int(str(row[0])) == foreign.known


def announce(connection: Connection, version: int, topic_id: str, partition: int, visitors: Int64Array) -> None:
    """Name the foreign visitors that this transaction stored; `version` is the new one."""
    connection.execute("UPDATE visitor_homes SET version = %s", [version])
    connection.execute(
        "INSERT INTO stray_visitors (version, topic_id, partition, visitors) VALUES (%s, %s, %s, %s)",
        [version, topic_id, partition, BigintArray(visitors)],
    )
    if version % KEPT_VERSIONS == 0:
        _merge_entries(connection, version - KEPT_VERSIONS)


def _agreed(connection: Connection, topic_id: str) -> Agreement | None:
    row = connection.execute(
        "SELECT epoch, version, CASE WHEN topic_id = %s THEN partitions ELSE 0 END FROM visitor_homes", [topic_id]
    ).fetchone()
    return None if row is None else Agreement(*(int(str(value)) for value in row))


def _move(connection: Connection, topic: str, topic_id: str, partitions: int) -> None:
    moved = connection.execute(
        "INSERT INTO visitor_homes AS home (topic, topic_id, partitions, epoch, version)"
        " VALUES (%(topic)s, %(topic_id)s, %(partitions)s, 1, 1)"
        " ON CONFLICT (only_row) DO UPDATE SET topic = excluded.topic, topic_id = excluded.topic_id,"
        " partitions = excluded.partitions, epoch = home.epoch + 1, version = home.version + 1"
        " WHERE CASE WHEN home.topic_id = excluded.topic_id THEN home.partitions < excluded.partitions"
        " ELSE home.topic = excluded.topic OR NOT EXISTS (SELECT FROM consumer_offsets AS used"
        " WHERE used.topic_id = home.topic_id AND used.updated_at > now() - %(silent)s::interval) END",
        {"topic": topic, "topic_id": topic_id, "partitions": partitions, "silent": _SILENT},
    ).rowcount
    if moved:
        # Windows that were kept under the old map must not be found: the offset's revision is its time of change.
        connection.execute("UPDATE consumer_offsets SET updated_at = clock_timestamp()")


def _merge_entries(connection: Connection, up_to: int) -> None:
    connection.execute(
        "WITH old AS (DELETE FROM stray_visitors WHERE version <= %(up_to)s RETURNING visitors)"
        " INSERT INTO stray_visitors (version, topic_id, partition, visitors)"
        " SELECT %(up_to)s, '', 0, array_agg(DISTINCT visitor) FROM old, unnest(visitors) AS visitor"
        " HAVING count(*) > 0",
        {"up_to": up_to},
    )


def _union(columns: list[Int64Array]) -> Int64Array:
    return np.unique(np.concatenate(columns)) if columns else np.empty(0, np.int64)
