"""Small reads: a ping, the number of rows, the partitions' offsets, a visitor's sessions. Writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, connect, translated
from clickstream.services.postgres.reads import borrow
from clickstream.services.repeat import PATIENCE

LONGEST_READ_MS = 20_000
"""A status figure that takes longer than this is given up."""

SMALL_TABLE = 64 << 20
"""Bytes of a table that is read in a tenth of a second; larger ones are left to the figures kept beside them."""

ONE_PROCESS = b"SET max_parallel_workers_per_gather = 0"


@dataclass(frozen=True, slots=True)
class Ping:
    """An answer of the server."""

    version: str
    latency_ms: float
    """One round trip on an open connection."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows in the tables."""

    events: int
    sessions: int
    rejected_events: int
    """Those that are open: neither replayed nor discarded."""
    skipped_messages: int = 0
    """No rows: messages that were never read, by the gaps that were accepted."""
    replayed_rejects: int = 0
    """Rows of `rejected_events` that were replayed, and stay as a record."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `events`; times as ISO 8601 in UTC, since a timestamptz reaches further than a datetime."""

    event_time: str
    event: str
    item_id: int
    transaction_id: int | None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """Of a row of `sessions`; times as ISO 8601 in UTC, since a timestamptz reaches further than a datetime."""

    session_id: str
    visitor_id: int
    session_start: str
    session_end: str
    duration_seconds: int
    event_count: int
    view_count: int
    cart_count: int
    transaction_count: int


@dataclass(frozen=True, slots=True)
class ListedSession(SessionFigures):
    """A row without its items."""

    converted: bool


@dataclass(frozen=True, slots=True)
class StoredSession(SessionFigures):
    """A whole row. `converted` stands in each of the two, last, as the JSON documents have it."""

    items_viewed: list[int]
    items_carted: list[int]
    items_purchased: list[int]
    converted: bool


@dataclass(frozen=True, slots=True)
class StoredOffset:
    """How far a partition is."""

    next_offset: int
    age_seconds: float
    """Since the last commit, by the server's clock."""


@dataclass(frozen=True, slots=True)
class StoredGap:
    """Messages of one partition that were never read: Kafka had removed them, or somebody skipped them."""

    partition: int
    from_offset: int
    to_offset: int
    """Where reading went on; less than `from_offset` where Kafka had lost messages that were stored already."""
    accepted_at: str
    """ISO 8601 in UTC."""

    @property
    def messages(self) -> int:
        return max(0, self.to_offset - self.from_offset)


def ping(settings: PostgresSettings, *, patience: float = PATIENCE) -> Ping:
    """Connect (see connection.connect) and ask for the version. Raises ServiceUnavailable or ServiceRefused."""
    with connect(settings, application_name="clickstream status", patience=patience) as connection, translated():
        started = time.perf_counter()
        row = connection.execute("SHOW server_version").fetchone()
        latency = (time.perf_counter() - started) * 1000
    return Ping(str(row[0]).split()[0] if row else "", round(latency, 2))


def counts(settings: PostgresSettings, *, patience: float = PATIENCE) -> Counts:
    """Rows stored now; of large tables as the consumers' transactions add them up. Zero where there are no tables yet.

    Exact either way, as long as no other program writes into large tables. `patience`: see connection.connect.
    """
    with borrow(settings, patience=patience) as connection, translated():
        if not _has_tables(connection):
            return Counts(0, 0, 0)
        connection.execute(f"SET statement_timeout = {LONGEST_READ_MS}".encode())
        row = connection.execute(
            "SELECT"
            " CASE WHEN pg_relation_size('events') < %(small)s THEN (SELECT count(*) FROM events)"
            " ELSE (SELECT sum(events)::bigint FROM session_days) END,"
            " CASE WHEN pg_relation_size('sessions') < %(small)s THEN (SELECT count(*) FROM sessions)"
            " ELSE (SELECT sum(sessions)::bigint FROM session_days) END,"
            " count(*) FILTER (WHERE replayed_at IS NULL),"
            " (SELECT coalesce(sum(greatest(to_offset - from_offset, 0)), 0)::bigint FROM offset_gaps),"
            " count(replayed_at) FROM rejected_events",
            {"small": SMALL_TABLE},
        ).fetchone()
    return Counts(*cast("tuple[int, int, int, int, int]", row))


def count_rejects(settings: PostgresSettings, *, patience: float = PATIENCE) -> tuple[int, int]:
    """Rejected messages that are open, and those that were replayed; zeros where there are no tables yet."""
    with borrow(settings, patience=patience) as connection, translated():
        if not _has_tables(connection):
            return 0, 0
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE replayed_at IS NULL), count(replayed_at) FROM rejected_events"
        ).fetchone()
    return cast("tuple[int, int]", row)


def read_offsets(connection: Connection, *, topic: str, topic_id: str) -> dict[int, StoredOffset]:
    """How far each partition of this incarnation of the topic is, those that ever committed. Empty without tables."""
    return read_all_offsets(connection, topic=topic).get(topic_id, {})


def read_all_offsets(connection: Connection, *, topic: str) -> dict[str, dict[int, StoredOffset]]:
    """The same of every incarnation that the topic ever had, by its id."""
    with translated():
        if not _has_tables(connection):
            return {}
        rows = connection.execute(
            "SELECT topic_id, partition, next_offset, extract(epoch FROM now() - updated_at)::float8"
            " FROM consumer_offsets WHERE topic = %s ORDER BY topic_id, partition",
            [topic],
        ).fetchall()
    found: dict[str, dict[int, StoredOffset]] = {}
    for topic_id, partition, at, age in cast("list[tuple[str, int, int, float]]", rows):
        found.setdefault(topic_id, {})[partition] = StoredOffset(at, age)
    return found


def read_gaps(settings: PostgresSettings, *, topic: str, topic_id: str) -> list[StoredGap]:
    """The gaps of this incarnation of the topic, in order. Empty without tables."""
    with borrow(settings) as connection, translated():
        if not _has_tables(connection):
            return []
        rows = connection.execute(
            f"SELECT partition, from_offset, to_offset, {_iso('accepted_at')} FROM offset_gaps"  # noqa: S608
            " WHERE topic = %s AND topic_id = %s ORDER BY partition, from_offset".encode(),
            [topic, topic_id],
        ).fetchall()
    return [StoredGap(*cast("Any", row)) for row in rows]


def sessions_of(settings: PostgresSettings, visitor_id: int) -> tuple[list[StoredSession], list[StoredEvent]]:
    """One visitor's sessions and events, oldest first. Raises ServiceRefused where there are no tables yet."""
    with borrow(settings) as connection, translated():
        sessions = connection.execute(
            f"SELECT session_id, visitor_id, {_iso('session_start')}, {_iso('session_end')}, duration_seconds,"  # noqa: S608
            " event_count, view_count, cart_count, transaction_count, items_viewed, items_carted, items_purchased,"
            " converted FROM sessions WHERE visitor_id = %s ORDER BY sessions.session_start".encode(),
            [visitor_id],
        ).fetchall()
        events = connection.execute(
            f"SELECT {_iso('event_time')}, event::text, item_id, transaction_id FROM events"  # noqa: S608
            " WHERE visitor_id = %s ORDER BY events.event_time, events.event, item_id".encode(),
            [visitor_id],
        ).fetchall()
    return [StoredSession(*cast("Any", row)) for row in sessions], [StoredEvent(*cast("Any", row)) for row in events]


def _has_tables(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('schema_settings') IS NOT NULL").fetchone()
    return bool(row and row[0])


def _iso(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS {column}"
