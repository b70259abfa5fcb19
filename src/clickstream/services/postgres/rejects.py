"""Rejected messages as they are stored: found, read whole, marked as replayed, removed. Decides nothing about them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, cast

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.domain.rejects import RejectFilter, ReplayedFilter
from clickstream.services.postgres.connection import SERVICE, Connection, translated
from clickstream.services.postgres.reads import borrow

LONGEST_READ_MS: Final = 20_000
"""A list that takes longer than this is given up."""

_COLUMNS: Final = (
    'topic, topic_id, partition, "offset", left(reason, 1000), substring(key from 1 for %(first)s),'
    " substring(payload from 1 for %(first)s),"
    " coalesce(octet_length(payload), 0), payload IS NULL,"
    " to_char(rejected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
    " to_char(replayed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
)

_CHOSEN: Final = (
    "position(lower(%(reason)s) in lower(reason)) > 0"
    " AND partition = coalesce(%(partition)s::int, partition)"
    " AND rejected_at >= coalesce(%(since)s::timestamptz, '-infinity')"
    " AND rejected_at < coalesce(%(until)s::timestamptz, 'infinity')"
    " AND coalesce((replayed_at IS NOT NULL) = %(replayed)s::bool, true)"
)
"""What a filter lets through; its parameters: `_given`."""

WHOLE: Final = 2**31 - 1
"""All of a payload, when asked for its first bytes."""


@dataclass(frozen=True, slots=True)
class RejectKey:
    """Which message: topic ids are unique, so the topic's name is not needed."""

    topic_id: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class StoredReject:
    """A row of `rejected_events`; times as ISO 8601 in UTC."""

    topic: str
    key_of: RejectKey
    reason: str
    key: bytes | None
    """Its first bytes, or all, as was asked."""
    payload: bytes | None
    """The same; None: the message had no value."""
    size: int
    """Bytes of the whole payload."""
    rejected_at: str
    replayed_at: str | None


class RejectsTable:
    """One connection to `rejected_events`; use as a context manager. Where there are no tables yet, it is empty."""

    def __init__(self, settings: PostgresSettings) -> None:
        """Raises ServiceUnavailable or ServiceRefused."""
        with ExitStack() as opened, translated():
            self._connection: Connection = opened.enter_context(borrow(settings))
            self._connection.execute(f"SET statement_timeout = {LONGEST_READ_MS}".encode())
            self.exists = self._exists()
            self._opened = opened.pop_all()

    def __enter__(self) -> RejectsTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def current_topic_id(self, topic: str) -> str | None:
        """The id of that topic's incarnation whose messages were stored last."""
        rows = self._ask(
            "SELECT topic_id FROM consumer_offsets WHERE topic = %(topic)s ORDER BY updated_at DESC LIMIT 1",
            topic=topic,
        )
        return rows[0][0] if rows else None

    def newest(self, chosen: RejectFilter, *, limit: int, first: int) -> list[StoredReject]:
        """The newest `limit` of those chosen, newest first, with the first bytes of their payloads."""
        return self._read(
            f'{_CHOSEN} ORDER BY rejected_at DESC, topic_id, partition, "offset" DESC LIMIT %(limit)s',
            **_given(chosen), limit=limit, first=first,
        )  # fmt: skip

    def count(self, chosen: RejectFilter) -> int:
        rows = self._ask(f"SELECT count(*) FROM rejected_events WHERE {_CHOSEN}", **_given(chosen))  # noqa: S608
        return int(rows[0][0]) if rows else 0

    def find(self, partition: int, offset: int, topic_id_begins: str, *, first: int = WHOLE) -> list[StoredReject]:
        """The messages at this place of every incarnation whose id begins so."""
        return self._read(
            'partition = %(partition)s AND "offset" = %(offset)s AND starts_with(topic_id, %(begins)s)',
            partition=partition, offset=offset, begins=topic_id_begins, first=first,
        )  # fmt: skip

    def after(self, key: RejectKey | None, chosen: RejectFilter, *, limit: int) -> list[StoredReject]:
        """The next `limit` of those chosen, whole, in the order of their keys."""
        last = key or RejectKey("", -1, -1)
        return self._read(
            f'{_CHOSEN} AND (topic_id, partition, "offset") > (%(last_topic_id)s, %(last_partition)s, %(last_offset)s)'
            ' ORDER BY topic_id, partition, "offset" LIMIT %(limit)s',
            **_given(chosen), limit=limit, first=WHOLE,
            last_topic_id=last.topic_id, last_partition=last.partition, last_offset=last.offset,
        )  # fmt: skip

    def mark_replayed(self, keys: Sequence[RejectKey]) -> None:
        """Note that they are events now. One that is gone meanwhile, or marked already, is left as it is."""
        self._change("UPDATE rejected_events SET replayed_at = now() WHERE replayed_at IS NULL AND {these}", keys)

    def remove(self, keys: Sequence[RejectKey]) -> int:
        """Remove them for good; how many there were."""
        return self._change("DELETE FROM rejected_events WHERE {these}", keys)

    def remove_all(self, chosen: RejectFilter) -> int:
        """Remove all of those chosen for good; how many there were."""
        if not self.exists:
            return 0
        with translated():
            return self._connection.execute(
                f"DELETE FROM rejected_events WHERE {_CHOSEN}".encode(),  # noqa: S608
                _given(chosen),
            ).rowcount

    def _exists(self) -> bool:
        row = self._connection.execute("SELECT to_regclass('rejected_events') IS NOT NULL").fetchone()
        return bool(row and row[0])

    def _read(self, where: str, **parameters: Any) -> list[StoredReject]:
        rows = self._ask(f"SELECT {_COLUMNS} FROM rejected_events WHERE {where}", **parameters)  # noqa: S608
        return [_stored(row) for row in rows]

    def _ask(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        if not self.exists:
            return []
        try:
            with translated():
                return cast("list[Any]", self._connection.execute(statement.encode(), parameters).fetchall())
        except ServiceRefused as error:
            raise _explained(error) from error

    def _change(self, statement: str, keys: Sequence[RejectKey]) -> int:
        if not keys or not self.exists:
            return 0
        these = (
            '(topic_id, partition, "offset") IN'
            " (SELECT * FROM unnest(%(topic_ids)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]))"
        )
        columns = {
            "topic_ids": [key.topic_id for key in keys],
            "partitions": [key.partition for key in keys],
            "offsets": [key.offset for key in keys],
        }
        with translated():
            return self._connection.execute(statement.format(these=these).encode(), columns).rowcount


def _given(chosen: RejectFilter) -> dict[str, Any]:
    replayed = None if chosen.replayed is ReplayedFilter.ANY else chosen.replayed is ReplayedFilter.YES
    return {
        "reason": chosen.reason,
        "partition": chosen.partition,
        "since": chosen.since,
        "until": chosen.until,
        "replayed": replayed,
    }


def _explained(error: ServiceRefused) -> ServiceRefused:
    if isinstance(error.__cause__, psycopg.errors.UndefinedColumn):
        hint = "start a consumer once (`clickstream consumer start`): it brings them up to date"
        return ServiceRefused(f"{SERVICE}'s clickstream tables are older than this program", hint=hint)
    return error


def _stored(row: tuple[Any, ...]) -> StoredReject:
    topic, topic_id, partition, offset, reason, key, payload, size, no_value, rejected_at, replayed_at = row
    return StoredReject(
        topic=topic,
        key_of=RejectKey(topic_id, partition, offset),
        reason=reason,
        key=None if key is None else bytes(key),
        payload=None if no_value else bytes(payload),
        size=size,
        rejected_at=rejected_at,
        replayed_at=replayed_at,
    )
