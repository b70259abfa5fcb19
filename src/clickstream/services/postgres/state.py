"""In which state the schema is, for the doctor. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import connect, translated
from clickstream.services.postgres.migrate import RESET_MARK, migrations


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


def schema_state(settings: PostgresSettings) -> SchemaState:
    """Raises ServiceUnavailable or ServiceRefused."""
    newest = max(number for number, _, _ in migrations())
    with connect(settings, application_name="clickstream check") as connection, translated():
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
            "tuple[int | None, int | None]",
            connection.execute(
                "SELECT (SELECT max(version) FROM schema_migrations), (SELECT session_timeout_ms FROM schema_settings)"
            ).fetchone(),
        )
    return SchemaState(row[0], newest, allowed, row[1], half_reset)
