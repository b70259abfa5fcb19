"""Emptying the schema: every table, offsets included. The only module that deletes what the pipeline stored."""

from __future__ import annotations

from psycopg import errors, sql

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, connect, translated

_TRIES = 5

_TABLES = ("events", "sessions", "consumer_offsets", "rejected_events", "offset_gaps", "schema_settings")


def empty(settings: PostgresSettings) -> bool:
    """Truncate the tables, so that the schema is as a migration leaves it; False where there are none.

    The session timeout goes too: sessions made anew may be made with another.
    """
    with connect(settings, application_name="clickstream reset") as connection, translated():
        row = connection.execute("SELECT to_regclass('schema_settings') IS NOT NULL").fetchone()
        if not (row and row[0]):
            return False
        connection.execute("SET lock_timeout = '10s'")
        _truncate(connection)
    return True


def _truncate(connection: Connection) -> None:
    """Try again after a deadlock: whoever reads several tables meanwhile locks them in an order of its own."""
    names = sql.SQL(", ").join(map(sql.Identifier, _TABLES))
    for left in reversed(range(_TRIES)):
        try:
            connection.execute(sql.SQL("TRUNCATE {}").format(names))
            return
        except errors.DeadlockDetected:
            if not left:
                raise
