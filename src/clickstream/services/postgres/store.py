"""The writing side: a partition's offset, and the one transaction that stores a batch and moves it.

Every method blocks until PostgreSQL answered. A Store holds one connection and belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import Fenced
from clickstream.domain.events import EventColumns, RejectedMessage
from clickstream.domain.sessions import SessionColumns, SessionKeys
from clickstream.services.postgres import copy, parameters
from clickstream.services.postgres.connection import connect, one_line, translated
from clickstream.services.postgres.parameters import Int8Array, TimestampArray


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """One partition of one incarnation of a topic."""

    topic: str
    topic_id: str
    partition: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition goes on, and what is stored up to there."""

    next_offset: int
    stamp: int
    """Changes whenever anybody moves the offset (microseconds); a saved window is good for one stamp only."""
    newest_ms: int | None
    """No event in the store is newer than this; None: nothing is stored."""


@dataclass(frozen=True, slots=True)
class BatchWrite:
    """What one transaction does."""

    key: PartitionKey
    old_offset: int
    new_offset: int
    newest_ms: int | None
    events: EventColumns
    removed: SessionKeys
    sessions: SessionColumns
    rejected: Sequence[RejectedMessage]


class StaleWindow(Exception):
    """The store already holds rows that the batch took for new: prepare it again with every event looked up."""

    def __init__(self, partition: int, reason: str) -> None:
        super().__init__(f"partition {partition}: {reason}")
        self.partition = partition


class Store:
    """One connection that reads positions and commits batches."""

    def __init__(self, settings: PostgresSettings, *, application_name: str) -> None:
        self.connection = connect(settings, application_name=application_name)
        parameters.register(self.connection)
        with translated():
            self.connection.execute("SET synchronous_commit = off")  # a lost tail is read again: the offset is in it
            self.connection.execute(parameters.INDEXES_ONLY)

    def close(self) -> None:
        self.connection.close()

    def position(self, key: PartitionKey, *, first_offset: int) -> Position:
        """Where the partition goes on; one that was never seen starts at `first_offset`."""
        with translated(), self.connection.transaction():
            self.connection.execute(
                "INSERT INTO consumer_offsets (topic, topic_id, partition, next_offset) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [key.topic, key.topic_id, key.partition, first_offset],
            )
            row = self.connection.execute(
                "SELECT next_offset, (extract(epoch FROM updated_at) * 1000000)::bigint FROM consumer_offsets"
                " WHERE topic = %s AND topic_id = %s AND partition = %s",
                [key.topic, key.topic_id, key.partition],
            ).fetchone()
        if row is None:
            raise Fenced("the offset's row was removed while it was read")
        return Position(int(str(row[0])), int(str(row[1])), self._newest_ms())

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

    def commit(self, batch: BatchWrite) -> int:
        """Store a batch and move the offset, all or nothing. Returns the offset's new stamp.

        Raises:
            Fenced: the offset is not where the batch began: somebody else moved it.
            StaleWindow: the batch would store a row twice.
            ServiceUnavailable: PostgreSQL went away; whether the batch is stored, the offset tells.
        """
        try:
            with translated(), self.connection.transaction():
                stamp = self._advance(batch.key, batch.old_offset, batch.new_offset, batch.newest_ms)
                if len(batch.events):
                    self._copy("events", copy.EVENT_FIELDS, copy.event_stream(batch.events))
                if len(batch.removed):
                    self._remove(batch.key, batch.removed)
                if len(batch.sessions):
                    self._copy("sessions", copy.SESSION_FIELDS, copy.session_stream(batch.sessions))
                if batch.rejected:
                    self._reject(batch.key, batch.rejected)
                return stamp
        except psycopg.errors.UniqueViolation as error:
            raise StaleWindow(batch.key.partition, one_line(error)) from error

    def _advance(self, key: PartitionKey, old: int, new: int, newest_ms: int | None) -> int:
        """Compare-and-set on the offset. It comes first: its row lock makes a second owner wait, then fail."""
        # In binary: a time in text or as a float would lose the milliseconds of far futures.
        newest = TimestampArray(np.array([] if newest_ms is None else [newest_ms], np.int64))
        row = self.connection.execute(
            "UPDATE consumer_offsets SET next_offset = %s, updated_at = clock_timestamp(), max_event_time ="
            " greatest(max_event_time, (%s)[1])"
            " WHERE topic = %s AND topic_id = %s AND partition = %s AND next_offset = %s"
            " RETURNING (extract(epoch FROM updated_at) * 1000000)::bigint",
            [new, newest, key.topic, key.topic_id, key.partition, old],
        ).fetchone()
        if row is None:
            raise Fenced(f"offset {old} of partition {key.partition} was moved by somebody else")
        return int(str(row[0]))

    def _copy(self, table: str, fields: Sequence[str], stream: bytes) -> None:
        statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            psycopg.sql.Identifier(table), psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, fields))
        )
        with self.connection.cursor() as cursor, cursor.copy(statement) as rows:
            rows.write(stream)

    def _remove(self, key: PartitionKey, keys: SessionKeys) -> None:
        removed = self.connection.execute(
            "DELETE FROM sessions USING unnest(%s, %s) AS key (visitor, start)"
            " WHERE visitor_id = key.visitor AND session_start = key.start",
            [Int8Array(keys.visitor_id), TimestampArray(keys.start_ms)],
        ).rowcount
        if removed != len(keys):
            # Somebody else works on the same visitors: a producer that does not key by visitor, or a second topic.
            raise StaleWindow(key.partition, f"{len(keys) - removed} of its sessions were changed by somebody else")

    def _reject(self, key: PartitionKey, rejected: Sequence[RejectedMessage]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO rejected_events (topic, topic_id, partition, "offset", reason, key, payload)'
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [(key.topic, key.topic_id, key.partition, m.offset, m.reason, m.key, m.payload) for m in rejected],
            )
