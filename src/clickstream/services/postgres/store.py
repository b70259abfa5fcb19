"""The writing side: a partition's offset, and the one transaction that stores a batch and moves it.

Every method blocks until PostgreSQL has answered. A Store holds one connection and belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import psycopg
from psycopg import sql

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import OffsetMoved, ServiceUnavailable
from clickstream.domain.events import RejectedMessage
from clickstream.domain.sessions import DayTotals, SessionKeys
from clickstream.services.postgres import copy, parameters, partition_map
from clickstream.services.postgres.connection import connect, one_line, setting_up, storable, translated
from clickstream.services.postgres.parameters import BigintArray, TimestampArray
from clickstream.services.postgres.partition_map import Agreement, PartitionMapMoved, VisitorsMoved
from clickstream.services.postgres.statements import statement
from clickstream.services.postgres.writes import (
    BatchRefused,
    BatchWrite,
    Outcome,
    PartitionKey,
    Position,
    StaleWindow,
)

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


LOCK_PATIENCE: Final = 20
"""Seconds that a commit waits for a lock before it looks whether the owner still lives."""

_COPY_REJECTS: Final = (
    'COPY rejected_events (topic, topic_id, partition, "offset", reason, key, payload) FROM STDIN (FORMAT BINARY)'
)

_REJECT_TYPES: Final = ("text", "text", "int4", "int8", "text", "bytea", "bytea")

_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)

_PUT_OUT_FROZEN: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user
        AND wait_event = 'ClientRead' AND xact_start < now() - make_interval(secs => %s)
        AND EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid
            AND relation = 'consumer_offsets'::regclass)
"""
"""A consumer that was stopped in mid-transaction (SIGSTOP, a suspended machine) keeps its locks while its backend waits
for the next bytes. This ends its transaction; when the consumer wakes up, it reads its offset again."""


class Store:
    """One connection that reads positions and commits batches."""

    def __init__(self, settings: PostgresSettings, *, application_name: str) -> None:
        self.connection = connect(settings, application_name=application_name, patience=0, writes=True)
        with setting_up(self.connection):
            parameters.register(self.connection)
            self.connection.execute("SET synchronous_commit = off")  # a lost tail is read again: the offset is in it
            self.connection.execute(parameters.INDEXES_ONLY)
            self.connection.execute(f"SET lock_timeout = '{LOCK_PATIENCE}s'".encode())

    def close(self) -> None:
        self.connection.close()

    def agree(self, topic: str, topic_id: str, partitions: int) -> tuple[Agreement, Int64Array]:
        """What this schema's consumers hold for true, and every foreign visitor that was ever stored.

        The map changes first where the topic has more partitions than was agreed.
        """
        agreement = partition_map.agree(self.connection, topic, topic_id, partitions)
        with translated():
            foreign, _ = partition_map.foreign_since(self.connection, -1, topic_id, -1)
        return agreement, foreign

    def offsets(self, topic_id: str) -> dict[int, int]:
        """The next offset of every partition of the topic."""
        with translated():
            rows = self.connection.execute(
                "SELECT partition, next_offset FROM consumer_offsets WHERE topic_id = %s", [topic_id]
            )
            return {int(str(partition)): int(str(offset)) for partition, offset in rows}

    def position(self, key: PartitionKey, *, first_offset: int) -> Position:
        """Where the partition goes on; one that was never seen starts at `first_offset`."""
        with translated():
            # Read before inserting: an insert would wait for a transaction that holds the row.
            row = self._offset_row(key)
            if row is None:
                self.connection.execute(
                    "INSERT INTO consumer_offsets (topic, topic_id, partition, next_offset) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT DO NOTHING",
                    [key.topic, key.topic_id, key.partition, first_offset],
                )
                row = self._offset_row(key)
        if row is None:
            raise OffsetMoved("the offset's row was removed while it was read")
        return Position(int(str(row[0])), int(str(row[1])), self._newest_ms())

    def _offset_row(self, key: PartitionKey) -> tuple[object, ...] | None:
        return self.connection.execute(
            "SELECT next_offset, (extract(epoch FROM updated_at) * 1000000)::bigint FROM consumer_offsets"
            " WHERE topic = %s AND topic_id = %s AND partition = %s",
            [key.topic, key.topic_id, key.partition],
        ).fetchone()

    def begin(self, topic: str, topic_id: str, offsets: Mapping[int, int]) -> None:
        """Let all partitions of a topic whose name was never seen here start at these offsets.

        All at once, so that a partition that is added later is not taken for one of them.
        """
        with translated(), self.connection.transaction():
            self.connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"clickstream begin {topic}"]
            )
            self.connection.execute(
                "INSERT INTO consumer_offsets (topic, topic_id, partition, next_offset)"
                " SELECT %(topic)s, %(topic_id)s, new.partition, new.next_offset"
                " FROM unnest(%(partitions)s::int[], %(offsets)s::bigint[]) AS new (partition, next_offset)"
                " WHERE NOT EXISTS (SELECT FROM consumer_offsets WHERE topic = %(topic)s)",
                {
                    "topic": topic,
                    "topic_id": topic_id,
                    "partitions": list(offsets),
                    "offsets": list(offsets.values()),
                },
            )

    def _newest_ms(self) -> int | None:
        """The newest event time of all partitions, past topics included: a visitor may have moved between them."""
        with translated():
            row = self.connection.execute(
                "SELECT CASE WHEN NOT EXISTS (SELECT FROM events) THEN NULL ELSE"
                " (extract(epoch FROM coalesce((SELECT max(max_event_time) FROM consumer_offsets),"
                " (SELECT max(event_time) FROM events))) * 1000)::bigint END"
            ).fetchone()
        return None if row is None or row[0] is None else int(str(row[0]))

    def accept_gap(self, key: PartitionKey, *, from_offset: int, to_offset: int) -> None:
        """Move the offset over messages that Kafka no longer holds, and record that they were never read."""
        with translated(), self.connection.transaction():
            self._advance(key, from_offset, to_offset, None)
            self.connection.execute(
                "INSERT INTO offset_gaps (topic, topic_id, partition, from_offset, to_offset)"
                " VALUES (%s, %s, %s, %s, %s)",
                [key.topic, key.topic_id, key.partition, from_offset, to_offset],
            )

    def commit(self, batch: BatchWrite) -> Outcome:
        """Store a batch and move the offset, all or nothing.

        Raises:
            OffsetMoved: the offset is not where the batch began: somebody else moved it.
            StaleWindow: the batch would store a row twice.
            PartitionMapMoved, VisitorsMoved: what it was prepared from has changed.
            BatchRefused: a value or a constraint stands against one of its rows.
            ServiceUnavailable: PostgreSQL went away; whether the batch is stored, the offset tells.
        """
        try:
            with translated(), self.connection.transaction():
                return self._commit(batch)
        except psycopg.errors.UniqueViolation as error:
            raise StaleWindow(batch.key.partition, one_line(error)) from error
        except ServiceUnavailable as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                with translated():
                    self.connection.execute(_PUT_OUT_FROZEN, [LOCK_PATIENCE])
            raise

    def _commit(self, batch: BatchWrite) -> Outcome:
        key = batch.key
        revision, version, foreign = self._take_turn(batch)
        try:
            if len(batch.events):
                self._copy("events", copy.EVENT_FIELDS, copy.event_stream(batch.events))
            if len(batch.removed):
                self._remove(key, batch.removed)
            if len(batch.sessions):
                self._copy("sessions", copy.SESSION_FIELDS, copy.session_stream(batch.sessions))
            if len(batch.days):
                self._add_up(key, batch.days)
            if batch.rejected:
                self._reject(key, batch.rejected)
        except psycopg.errors.UniqueViolation:
            raise
        except _REFUSALS as error:
            raise BatchRefused(key.partition, one_line(error)) from error
        if batch.foreign is not None:
            version += 1
            partition_map.announce(self.connection, version, key.topic_id, key.partition, batch.foreign.visitors)
            foreign = np.union1d(foreign, batch.foreign.visitors)
        return Outcome(revision, version, foreign)

    def _take_turn(self, batch: BatchWrite) -> tuple[int, int, Int64Array]:
        """Lock what the batch may touch, move the offset, and see whether what it was prepared from still holds."""
        key, seen = batch.key, batch.agreement
        partition_map.lock(self.connection, alone=batch.foreign is not None)
        revision, epoch, version = self._advance(key, batch.old_offset, batch.new_offset, batch.newest_ms)
        if epoch != seen.epoch:
            raise PartitionMapMoved(f"partition {key.partition}: visitors belong to other partitions now")
        if batch.foreign is not None and not partition_map.unchanged(self.connection, batch.foreign):
            raise VisitorsMoved(key.partition)
        if version == seen.version:
            return revision, version, np.empty(0, np.int64)
        foreign, others = partition_map.foreign_since(self.connection, seen.version, key.topic_id, key.partition)
        if np.isin(batch.events.visitor_id, others).any():
            raise VisitorsMoved(key.partition)
        return revision, version, foreign

    def _advance(self, key: PartitionKey, old: int, new: int, newest_ms: int | None) -> tuple[int, int, int]:
        """Compare-and-set on the offset: its row lock makes a second owner wait, then fail.

        Returns the offset's new revision and the agreement's epoch and version, all of one snapshot.
        """
        # In binary: a time in text or as a float would lose the milliseconds of far futures.
        newest = TimestampArray(np.array([] if newest_ms is None else [newest_ms], np.int64))
        row = self.connection.execute(
            "UPDATE consumer_offsets SET next_offset = %s, updated_at = clock_timestamp(), max_event_time ="
            " greatest(max_event_time, (%s)[1])"
            " WHERE topic = %s AND topic_id = %s AND partition = %s AND next_offset = %s"
            " RETURNING (extract(epoch FROM updated_at) * 1000000)::bigint,"
            " (SELECT epoch FROM visitor_homes), (SELECT version FROM visitor_homes)",
            [new, newest, key.topic, key.topic_id, key.partition, old],
        ).fetchone()
        if row is None:
            raise OffsetMoved(f"offset {old} of partition {key.partition} was moved by somebody else")
        return int(str(row[0])), int(str(row[1])), int(str(row[2]))

    def _copy(self, table: str, fields: Sequence[str], stream: bytes) -> None:
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, fields))
        )
        with self.connection.cursor() as cursor, cursor.copy(statement) as rows:
            rows.write(stream)

    def _remove(self, key: PartitionKey, keys: SessionKeys) -> None:
        removed = self.connection.execute(
            "DELETE FROM sessions USING unnest(%s, %s) AS key (visitor, start)"
            " WHERE visitor_id = key.visitor AND session_start = key.start",
            [BigintArray(keys.visitor_id), TimestampArray(keys.start_ms)],
        ).rowcount
        if removed != len(keys):
            # Somebody else works on the same visitors: a producer that does not key by visitor, or a second topic.
            raise StaleWindow(key.partition, f"{len(keys) - removed} of its sessions were changed by somebody else")

    def _add_up(self, key: PartitionKey, days: DayTotals) -> None:
        columns = {name: BigintArray(days.change[:, at]) for at, name in enumerate(DayTotals.FIGURES)}
        whose = {"topic_id": key.topic_id, "partition": key.partition, "day": BigintArray(days.day)}
        self.connection.execute(statement("add_up_days"), whose | columns)

    def _reject(self, key: PartitionKey, rejected: Sequence[RejectedMessage]) -> None:
        """Keep what is not kept yet: after a rewind, messages come that were rejected before."""
        found = self.connection.execute(
            'SELECT "offset" FROM rejected_events WHERE topic = %s AND topic_id = %s AND partition = %s'
            ' AND "offset" BETWEEN %s AND %s',
            [key.topic, key.topic_id, key.partition, rejected[0].offset, rejected[-1].offset],
        )
        kept = {int(str(row[0])) for row in found}
        with self.connection.cursor() as cursor, cursor.copy(_COPY_REJECTS) as rows:
            rows.set_types(_REJECT_TYPES)
            for one in rejected:
                if one.offset not in kept:
                    reason = storable(self.connection, one.reason)
                    rows.write_row((key.topic, key.topic_id, key.partition, one.offset, reason, one.key, one.payload))
