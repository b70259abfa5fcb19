"""The funnel of the sessions and the top items, as figures. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, translated
from clickstream.services.postgres.inspect import ONE_PROCESS, SMALL_TABLE
from clickstream.services.postgres.reads import borrow
from clickstream.services.postgres.statements import statement

SAMPLE_PERCENT: Final = 5.0
"""Share of a large table in which the candidates for the top items are looked for."""


@dataclass(frozen=True, slots=True)
class StoredFunnel:
    """The funnel of one span of the data."""

    sessions: int
    cart_sessions: int
    abandoned_sessions: int
    """Sessions with a cart and no purchase."""
    purchase_sessions: int
    total_purchases: int
    """Transaction events in these sessions."""
    items_purchased: int
    """Distinct items of each purchasing session, summed over those sessions."""


@dataclass(frozen=True, slots=True)
class TopItem:
    """How often one item was looked at, put into a cart and bought."""

    item_id: int
    views: int
    carts: int
    purchases: int


@dataclass(frozen=True, slots=True)
class StoredAnalytics:
    """Windows count back from the newest session_start: one day, thirty days, far edge included."""

    all_time: StoredFunnel
    last_day: StoredFunnel
    last_month: StoredFunnel
    top_items: tuple[TopItem, ...]
    """The most viewed first; ties by item_id."""


def analytics(settings: PostgresSettings, *, top: int = 10) -> StoredAnalytics:
    """All figures out of one snapshot of the data. Raises ServiceRefused where there are no tables yet."""
    with borrow(settings) as connection, translated():
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            connection.execute("SET LOCAL jit = off")
            return StoredAnalytics(**_windows(connection), top_items=_items(connection, top))


def windows(settings: PostgresSettings) -> dict[str, StoredFunnel]:
    """The funnels alone, by the names that Analytics gives them. Raises too."""
    with borrow(settings) as connection, translated():
        connection.execute("SET jit = off")
        connection.execute(ONE_PROCESS)
        return _windows(connection)


def top_items(settings: PostgresSettings, *, top: int = 10) -> tuple[TopItem, ...]:
    """The top items alone, by one process: a pass over `events`. Raises too."""
    with borrow(settings) as connection, translated():
        connection.execute("SET jit = off")
        connection.execute(ONE_PROCESS)
        return _items(connection, top)


def _windows(connection: Connection) -> dict[str, StoredFunnel]:
    query = statement("analytics" if _is_small(connection, "sessions") else "analytics_by_day")
    return {str(row[0]): StoredFunnel(*_counts(row[1:])) for row in connection.execute(query)}


def _items(connection: Connection, top: int) -> tuple[TopItem, ...]:
    """Exact figures of the top items; in a large table, of those that lead in a sample too."""
    query = statement("top_items" if _is_small(connection, "events") else "top_items_sampled")
    rows = connection.execute(query, {"top": top, "percent": SAMPLE_PERCENT})
    return tuple(TopItem(*_counts(row)) for row in rows)


def _is_small(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT pg_relation_size(%s::regclass)", [table]).fetchone()
    return row is None or int(str(row[0])) < SMALL_TABLE


def _counts(row: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(int(value) for value in row)
