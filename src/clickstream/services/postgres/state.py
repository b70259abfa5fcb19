"""The state of the schema, for the doctor. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, translated
from clickstream.services.postgres.migrate import RESET_MARK, migrations
from clickstream.services.postgres.reads import borrow


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What the schema is and what this user may do."""

    version: int | None
    """The newest migration that ran; None: there are no tables yet."""
    newest: int
    """The newest migration that this program knows."""
    may_create: bool
    """This user may make a schema, or tables in the one that is there."""
    session_timeout_ms: int | None
    """What the stored sessions were made with; None: none were made yet."""
    half_reset: bool = False
    """A reset has begun and not ended."""
    unreadable: tuple[str, ...] = ()
    """Tables that this user may not read."""
    unwritable: tuple[str, ...] = ()
    """What consumers do and this user may not: `INSERT on events`, ..."""
    writes_refused: str = ""
    """Why the server takes no writes; empty: it does."""


_WRITES = {
    "events": "INSERT",
    "sessions": "INSERT DELETE",
    "consumer_offsets": "INSERT UPDATE",
    "rejected_events": "INSERT UPDATE",
    "offset_gaps": "INSERT UPDATE DELETE",
    "visitor_homes": "INSERT UPDATE",
    "stray_visitors": "INSERT DELETE",
    "session_days": "INSERT UPDATE",
}
"""What consumers, rewinds and replays do to each table, besides reading it."""

_READS = (*_WRITES, "schema_migrations", "schema_settings")


def schema_state(settings: PostgresSettings) -> SchemaState:
    """Raises ServiceUnavailable or ServiceRefused."""
    newest = max(number for number, _, _ in migrations())
    with borrow(settings) as connection, translated():
        (allowed, tables, half_reset) = cast(
            "tuple[bool, bool, bool]",
            connection.execute(
                "SELECT CASE WHEN to_regnamespace(quote_ident(%(schema)s)) IS NULL"
                " THEN has_database_privilege(current_database(), 'CREATE')"
                " ELSE has_schema_privilege(quote_ident(%(schema)s), 'CREATE') END,"
                " to_regclass('schema_settings') IS NOT NULL, to_regclass(%(mark)s) IS NOT NULL",
                {"schema": settings.schema_name, "mark": RESET_MARK},
            ).fetchone(),
        )
        if not tables:
            return SchemaState(None, newest, allowed, None, half_reset)
        row = cast(
            "tuple[int | None, int | None, bool, bool]",
            connection.execute(
                "SELECT (SELECT max(version) FROM schema_migrations), (SELECT session_timeout_ms FROM schema_settings),"
                " current_setting('transaction_read_only')::bool, pg_is_in_recovery()"
            ).fetchone(),
        )
        return SchemaState(
            row[0],
            newest,
            allowed,
            row[1],
            half_reset,
            unreadable=tuple(table for table in _READS if _lacks(connection, table, "SELECT")),
            unwritable=tuple(
                f"{right} on {table}"
                for table, rights in _WRITES.items()
                for right in rights.split()
                if _lacks(connection, table, right)
            ),
            writes_refused="it is a replica" if row[3] else "its transactions are read-only" if row[2] else "",
        )


def _lacks(connection: Connection, table: str, right: str) -> bool:
    """False, too, where the table does not exist: an older schema lacks the newer ones."""
    row = connection.execute("SELECT has_table_privilege(to_regclass(%s), %s)", [table, right]).fetchone()
    return row == (False,)
