"""Reads `events`, to compare another store with it. Writes nothing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.comparison import Bucket, Row, Sums
from clickstream.services.postgres.connection import Connection, connect, setting_up, translated
from clickstream.services.postgres.migrate import refuse_half_reset

_COLUMNS = (
    '(extract(epoch FROM event_time) * 1000)::bigint, visitor_id, event::text COLLATE "C", item_id, transaction_id'
)

_AT_ONCE = 10_000


class EventsReader:
    """One connection that sees one instant of the table; use as a context manager.

    Methods raise ServiceUnavailable, or ServiceRefused where there are no tables yet.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        self._connection: Connection = connect(settings, application_name="clickstream verify")
        with setting_up(self._connection):
            self._connection.autocommit = False
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            self._connection.execute("SET LOCAL jit = off")
            refuse_half_reset(self._connection)

    def __enter__(self) -> EventsReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def buckets(self) -> dict[Bucket, Sums]:
        """The sums of every day and kind that has events."""
        with translated():
            rows = self._connection.execute(
                "SELECT (extract(epoch FROM day) / 86400)::bigint, kind, events, visitors, items FROM ("
                " SELECT date_trunc('day', event_time) AS day, event::text AS kind, count(*) AS events,"
                " sum(visitor_id)::float8 AS visitors, sum(item_id)::float8 AS items FROM events GROUP BY 1, 2) AS days"
            ).fetchall()
        return {Bucket(day, kind): Sums(*sums) for day, kind, *sums in cast("list[Any]", rows)}

    def rows(self, bucket: Bucket) -> Generator[Row, None, None]:
        """The events of one day and kind, in order."""
        return self._read(
            f"SELECT {_COLUMNS} FROM events"  # noqa: S608
            " WHERE event_time >= timestamptz 'epoch' + %s * interval '1 day'"
            " AND event_time < timestamptz 'epoch' + (%s + 1) * interval '1 day' AND event::text = %s"
            " ORDER BY 1, 2, 3, 4",
            bucket.day,
            bucket.day,
            bucket.kind,
        )

    def rows_with_transaction(self) -> Generator[Row, None, None]:
        """The events that have a transaction's id, in order."""
        return self._read(
            f"SELECT {_COLUMNS} FROM events WHERE transaction_id IS NOT NULL ORDER BY 1, 2, 3, 4"  # noqa: S608
        )

    def _read(self, statement: str, *parameters: object) -> Generator[Row, None, None]:
        with translated(), self._connection.cursor("rows") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(statement.encode(), parameters)
            for row in cursor:
                yield Row(*cast("Any", row))
