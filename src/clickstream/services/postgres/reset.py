"""Empties the schema: every table, offsets included. The only module that deletes what the pipeline stored.

A mark in the schema, from the first step of a reset to its last, keeps a reset that was cut short from being taken for
anything else: nothing starts on such a schema, and the next reset completes it.
"""

from __future__ import annotations

from psycopg import errors, sql

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.postgres.connection import Connection, connect, translated
from clickstream.services.postgres.migrate import RESET_MARK, exists, make_schema
from clickstream.services.postgres.state import schema_state

_TRIES = 5

_TABLES = (
    "events",
    "sessions",
    "consumer_offsets",
    "rejected_events",
    "offset_gaps",
    "schema_settings",
    "visitor_homes",
    "stray_visitors",
    "session_days",
)

_NAME = "clickstream reset"


def check(settings: PostgresSettings) -> None:
    """Whether this user may empty the schema, and this program knows it. Changes nothing.

    Raises:
        ServiceRefused: not; with what is missing.
        ServiceUnavailable: PostgreSQL does not answer.
    """
    schema, state = settings.schema_name, schema_state(settings)
    if not state.may_create:
        raise ServiceRefused(f"{settings.user} may not create tables in schema {schema}", hint="grant CREATE to it")
    if state.version is not None and state.version > state.newest:
        raise ServiceRefused(
            f"{schema} was made by a newer clickstream (migration {state.version})", hint="use that one to reset it"
        )
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        present = _present(connection)
        if present and not exists(connection, "schema_migrations"):
            raise ServiceRefused(
                f"schema {schema} holds tables {', '.join(present)} that are not clickstream's",
                hint="name another schema in PG_SCHEMA_NAME",
            )
        kept = [
            table
            for table in present
            if connection.execute("SELECT has_table_privilege(%s, 'TRUNCATE')", [table]).fetchone() != (True,)
        ]
    if kept:
        raise ServiceRefused(f"{settings.user} may not truncate {', '.join(kept)}", hint="grant TRUNCATE to it")


def begin(settings: PostgresSettings) -> bool:
    """Set the mark: from now on nothing starts on this schema until `finish` or `cancel`. False: it was set already."""
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        make_schema(connection, settings)
        if exists(connection, RESET_MARK):
            return False
        connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ()").format(sql.Identifier(RESET_MARK)))
        return True


def cancel(settings: PostgresSettings) -> None:
    """Take the mark away: nothing was changed."""
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        connection.execute(_unmark())


def finish(settings: PostgresSettings) -> bool:
    """Truncate the tables and remove the mark in one transaction; False if there were no tables yet.

    The session timeout is removed too: the new sessions may be made with another one.
    """
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        connection.execute("SET lock_timeout = '10s'")
        return _truncate(connection)


def _truncate(connection: Connection) -> bool:
    """Try again after a deadlock: a client that reads several tables meanwhile locks them in its own order."""
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                if tables := _present(connection):
                    names = sql.SQL(", ").join(map(sql.Identifier, tables))
                    connection.execute(sql.SQL("TRUNCATE {}").format(names))
                connection.execute(_unmark())
        except errors.DeadlockDetected:
            if not left:
                raise
        else:
            return bool(tables)
    raise AssertionError("the last try returns or raises")


def _unmark() -> sql.Composed:
    return sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(RESET_MARK))


def _present(connection: Connection) -> list[str]:
    """Our tables that are there: an older schema lacks the newer ones."""
    return [table for table in _TABLES if exists(connection, table)]


def drop_schema(settings: PostgresSettings) -> None:
    """Drop the schema and all that is in it: only for one that its caller made, a benchmark's."""
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(settings.schema_name)))
