"""Lists of sessions: the newest, those that converted, the open ones, the longest. Writes nothing.

The first three are read from the newest day backwards: session_days tells from which day on there are enough, and the
BRIN index on session_start leaves the older blocks of the table out. The longest take a pass over the whole table (an
index on the duration would cost every batch a write). It needs no sort, because only the longest are kept, and it may
take LONGEST_READ_MS.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, cast

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, translated
from clickstream.services.postgres.inspect import ListedSession
from clickstream.services.postgres.migrate import refuse_half_reset, session_timeout
from clickstream.services.postgres.reads import borrow

LONGEST_READ_MS: Final = 20_000
"""A list that takes longer than this is given up."""

_EVERYTHING: Final = "-infinity"

# What people read is made of the chosen rows only: made of all of them, it takes five times as long as finding them.
_COLUMNS: Final = """
    SELECT session_id, visitor_id,
        to_char(s.session_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        to_char(s.session_end AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        duration_seconds, event_count, view_count, cart_count, transaction_count, converted
    FROM sessions AS s
"""

_KEY: Final = "SELECT visitor_id, session_start FROM sessions"

_NEWEST_FIRST: Final = "ORDER BY session_start DESC, visitor_id"
_LONGEST_FIRST: Final = "ORDER BY duration_seconds DESC, visitor_id, session_start"

_OPEN: Final = f"""
    {_COLUMNS} JOIN (
        {_KEY} WHERE session_start >= %(since)s AND session_end >= %(open_since)s {_NEWEST_FIRST} LIMIT %(limit)s
    ) AS chosen USING (visitor_id, session_start) {_NEWEST_FIRST}
"""

_CONVERTED: Final = f"""
    {_COLUMNS} JOIN (
        {_KEY} WHERE session_start >= %(since)s AND converted {_NEWEST_FIRST} LIMIT %(limit)s
    ) AS chosen USING (visitor_id, session_start) {_NEWEST_FIRST}
"""

_NEWEST: Final = f"""
    {_COLUMNS} JOIN (
        {_KEY} WHERE session_start >= %(since)s {_NEWEST_FIRST} LIMIT %(limit)s
    ) AS chosen USING (visitor_id, session_start) {_NEWEST_FIRST}
"""

_LONGEST: Final = f"""
    {_COLUMNS} JOIN (
        {_KEY} {_LONGEST_FIRST} LIMIT %(limit)s
    ) AS chosen USING (visitor_id, session_start) {_LONGEST_FIRST}
"""

_ENOUGH_SINCE: Final = """
    SELECT to_timestamp(max(day)::float8 * 86400)::text
    FROM (
        SELECT day, sum(sum(CASE WHEN %(converted)s THEN purchase_sessions ELSE sessions END)) OVER newest AS so_far
        FROM session_days
        GROUP BY day
        WINDOW newest AS (ORDER BY day DESC)
    ) AS days
    WHERE so_far >= %(limit)s
"""
"""The newest day since which so many sessions began; null where there are not so many."""

_OPEN_SINCE: Final = """
    SELECT (newest - timeout)::text, (newest - timeout - interval '1 day')::text
    FROM (
        SELECT max(max_event_time) AS newest, make_interval(secs => %(timeout_ms)s / 1000.0) AS timeout
        FROM consumer_offsets
    ) AS clock
    WHERE newest IS NOT NULL
"""
"""What an open session ended after, and since when nearly all open ones began."""


class SessionKind(StrEnum):
    """Which sessions."""

    OPEN = "open"
    """Those that an event as new as the newest stored one could still extend."""
    LONGEST = "longest"
    NEWEST = "newest"
    CONVERTED = "converted"
    """With a purchase."""


def list_sessions(settings: PostgresSettings, kind: SessionKind, limit: int) -> list[ListedSession]:
    """At most `limit` sessions: the longest first, of any other kind the one that began last.

    Raises ServiceRefused where there are no tables yet, ServiceUnavailable where it takes more than LONGEST_READ_MS.
    """
    with borrow(settings) as connection, translated():
        connection.execute(f"SET statement_timeout = {LONGEST_READ_MS}".encode())
        refuse_half_reset(connection)
        match kind:
            case SessionKind.LONGEST:
                return _read(connection, _LONGEST, {"limit": limit})
            case SessionKind.OPEN:
                return _open(connection, limit)
            case SessionKind.CONVERTED:
                return _backwards(connection, _CONVERTED, limit, converted=True)
            case SessionKind.NEWEST:
                return _backwards(connection, _NEWEST, limit, converted=False)


def _backwards(connection: Connection, query: str, limit: int, *, converted: bool) -> list[ListedSession]:
    row = connection.execute(_ENOUGH_SINCE.encode(), {"limit": limit, "converted": converted}).fetchone()
    return _widening(connection, query, limit, {"since": row and row[0]})


def _open(connection: Connection, limit: int) -> list[ListedSession]:
    """By the stored rows alone: what Valkey holds of open sessions is as old as the last pause of their partition."""
    row = connection.execute(_OPEN_SINCE.encode(), {"timeout_ms": session_timeout(connection)}).fetchone()
    return _widening(connection, _OPEN, limit, {"open_since": row[0], "since": row[1]}) if row else []


def _widening(connection: Connection, query: str, limit: int, given: Mapping[str, object]) -> list[ListedSession]:
    """Those since a time, which are the newest if they are enough; else of all."""
    if given["since"] is not None:
        found = _read(connection, query, {**given, "limit": limit})
        if len(found) == limit:
            return found
    return _read(connection, query, {**given, "limit": limit, "since": _EVERYTHING})


def _read(connection: Connection, query: str, parameters: dict[str, object]) -> list[ListedSession]:
    return [ListedSession(*cast("Any", row)) for row in connection.execute(query.encode(), parameters)]
