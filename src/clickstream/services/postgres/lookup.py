"""The reading side of late events: stored sessions around given times, with all their events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.events import MAX_TIMESTAMP_MS
from clickstream.services.postgres import copy, parameters
from clickstream.services.postgres.connection import SERVICE, connect, setting_up, translated
from clickstream.services.postgres.parameters import BigintArray, TimestampArray

if TYPE_CHECKING:
    from clickstream.domain.events import Int8Array as KindArray
    from clickstream.domain.events import Int64Array

# One visitor's sessions do not overlap, so of those that began by `low` only the last can reach it: without that bound
# a visitor with thousands of sessions would have all of them read. DISTINCT keeps a long session that many late events
# touch from being read once for each.
_AROUND: Final = """
    FROM (
        SELECT DISTINCT s.visitor_id, s.session_start, s.session_end
        FROM unnest(%s, %s, %s) AS span (visitor, low, high)
        JOIN sessions AS s ON s.visitor_id = span.visitor
            AND s.session_start <= span.high AND s.session_end >= span.low
            AND s.session_start >= coalesce(
                (SELECT max(before.session_start) FROM sessions AS before
                 WHERE before.visitor_id = span.visitor AND before.session_start <= span.low),
                span.low)
    ) AS touched
    JOIN events AS e ON e.visitor_id = touched.visitor_id
        AND e.event_time BETWEEN touched.session_start AND touched.session_end
"""

_QUERY: Final = f"""
    SELECT array_agg(visitor_id), array_agg(event_time), array_agg(code), array_agg(item_id)
    FROM (
        SELECT e.visitor_id, e.event_time, e.item_id,
            (CASE e.event WHEN 'view' THEN 0 WHEN 'addtocart' THEN 1 ELSE 2 END)::bigint AS code
        {_AROUND}
    ) AS found
"""  # noqa: S608 (constants only)

COUNT_AROUND: Final = f"SELECT count(*) {_AROUND}"
"""How many events `events_around` would find."""


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """Events as parallel arrays, in no order, each identity once."""

    visitor_id: Int64Array
    time_ms: Int64Array
    kind: KindArray
    item_id: Int64Array


class SessionLookup:
    """A connection of its own, so that it can read while a Store commits. Belongs to one thread."""

    def __init__(self, settings: PostgresSettings, *, application_name: str) -> None:
        self.connection = connect(settings, application_name=application_name, patience=0)
        with setting_up(self.connection):
            parameters.register(self.connection)
            self.connection.execute(parameters.INDEXES_ONLY)

    def close(self) -> None:
        self.connection.close()

    def events_around(self, visitor_id: Int64Array, low_ms: Int64Array, high_ms: Int64Array) -> StoredEvents:
        """Every event of every stored session of these visitors that touches [low, high] (Unix ms)."""
        with translated(), self.connection.cursor(binary=True) as cursor:
            cursor.execute(_QUERY, parameters_of(visitor_id, low_ms, high_ms))
            result = cursor.pgresult
            if result is None:
                raise ServiceUnavailable(SERVICE, "the lookup brought no result")
            visitors, times, codes, items = (copy.array_values(result.get_value(0, i)) for i in range(4))
        return StoredEvents(visitors, copy.unix_milliseconds(times), codes.astype(np.int8), items)


def parameters_of(
    visitor_id: Int64Array, low_ms: Int64Array, high_ms: Int64Array
) -> list[BigintArray | TimestampArray]:
    """The spans as both queries take them."""
    return [BigintArray(visitor_id), TimestampArray(low_ms), TimestampArray(np.minimum(high_ms, MAX_TIMESTAMP_MS))]
