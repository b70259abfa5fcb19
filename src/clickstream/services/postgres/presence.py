"""Whether given events and rejects are stored: the proof that nothing of a stretch of the topic was lost.

Writes to temporary tables only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np

from clickstream.config.settings import PostgresSettings
from clickstream.domain.events import KINDS, EventColumns
from clickstream.services.postgres import copy, parameters
from clickstream.services.postgres.connection import connect, setting_up, translated
from clickstream.services.postgres.parameters import BigintArray

Identity = tuple[int, int, int, int]
"""Visitor, Unix milliseconds, index into KINDS, item."""

_MISSING: Final = """
    SELECT DISTINCT visitor_id, (extract(epoch FROM event_time) * 1000)::bigint, event::text, item_id
    FROM sought
    WHERE NOT EXISTS (
        SELECT FROM events
        WHERE events.visitor_id = sought.visitor_id AND events.event_time = sought.event_time
            AND events.event = sought.event AND events.item_id = sought.item_id
    )
"""


class Presence:
    """One connection; use as a context manager. Raises ServiceUnavailable or ServiceRefused everywhere."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._connection = connect(settings, application_name="clickstream presence")
        with setting_up(self._connection):
            parameters.register(self._connection)
            self._connection.execute(
                "CREATE TEMPORARY TABLE sought AS SELECT event_time, visitor_id, event, item_id, transaction_id"
                " FROM events WITH NO DATA"
            )

    def __enter__(self) -> Presence:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def missing_events(self, events: EventColumns) -> set[Identity]:
        """Those that are not stored."""
        with translated(), self._connection.cursor() as cursor:
            cursor.execute("TRUNCATE sought")
            fields = ", ".join(copy.EVENT_FIELDS)
            with cursor.copy(f"COPY sought ({fields}) FROM STDIN (FORMAT BINARY)".encode()) as rows:
                rows.write(copy.event_stream(events))
            found = cursor.execute(_MISSING.encode()).fetchall()
        rows_ = cast("list[tuple[int, int, str, int]]", found)
        return {(visitor, time, KINDS.index(kind), item) for visitor, time, kind, item in rows_}

    def missing_rejects(self, topic_id: str, places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Places (partition, offset) of messages that are not among the rejected ones."""
        partitions, offsets = (np.array([place[n] for place in places], np.int64) for n in (0, 1))
        with translated():
            found = self._connection.execute(
                "SELECT place.partition, place.at FROM unnest(%s, %s) AS place (partition, at) WHERE NOT EXISTS ("
                "SELECT FROM rejected_events AS r"
                ' WHERE r.topic_id = %s AND r.partition = place.partition AND r."offset" = place.at)',
                [BigintArray(partitions), BigintArray(offsets), topic_id],
            ).fetchall()
        return set(cast("list[tuple[int, int]]", found))

    def some_sessions(self, count: int) -> list[tuple[int, int, int]]:
        """Visitor, start and end (Unix milliseconds) of up to so many stored sessions, evenly spread over them."""
        with translated():
            found = self._connection.execute(
                "SELECT visitor_id, (extract(epoch FROM session_start) * 1000)::bigint,"
                " (extract(epoch FROM session_end) * 1000)::bigint FROM sessions"
                " ORDER BY hashint8(visitor_id), session_start LIMIT %s",
                [count],
            ).fetchall()
        return cast("list[tuple[int, int, int]]", found)
