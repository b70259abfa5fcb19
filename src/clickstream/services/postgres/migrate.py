"""Numbered migrations (sql/NNNN_name.sql), run in order under an advisory lock, each in its own transaction."""

from __future__ import annotations

import re
from importlib.resources import files

import psycopg
from psycopg import sql

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.postgres.connection import Connection, connect, translated
from clickstream.services.repeat import PATIENCE

_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_VIRTUAL_COLUMNS_SINCE = 180_000

RESET_MARK = "reset_under_way"
"""A table that is there while a reset is under way, or was cut short."""


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration, in order."""
    folder = files("clickstream.services.postgres").joinpath("sql")
    found = [(file, _FILE_NAME.fullmatch(file.name)) for file in folder.iterdir()]
    return sorted((int(match[1]), match[2], file.read_text(encoding="utf-8")) for file, match in found if match)


def migrate(settings: PostgresSettings, *, session_timeout_ms: int, patience: float = PATIENCE) -> list[str]:
    """Bring the schema up to date; returns the names of the migrations that ran. `patience`: see connection.connect.

    Raises:
        ServiceRefused: the schema is newer than this program, was filled with another session timeout, or is half
            reset.
    """
    with connect(settings, application_name="clickstream migrate", patience=patience) as connection, translated():
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [_lock_name(settings)])
        refuse_half_reset(connection)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(settings.schema_name)))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        ran = _run_missing(connection)
        _check_timeout(connection, session_timeout_ms)
        return ran


def _lock_name(settings: PostgresSettings) -> str:
    return f"clickstream migrate {settings.schema_name}"


def _run_missing(connection: Connection) -> list[str]:
    known = migrations()
    done = {row[0] for row in connection.execute("SELECT version FROM schema_migrations")}
    if newer := done - {number for number, _, _ in known}:
        raise ServiceRefused(
            f"the schema holds migration {max(map(str, newer))}, which this clickstream does not know",
            hint="use a newer clickstream, or another PG_SCHEMA_NAME",
        )
    ran = []
    for number, name, text in known:
        if number in done:
            continue
        if connection.info.server_version < _VIRTUAL_COLUMNS_SINCE:
            text = text.replace(") VIRTUAL", ") STORED")  # noqa: PLW2901
        with connection.transaction():
            connection.execute(text.encode())
            connection.execute("INSERT INTO schema_migrations (version, name) VALUES (%s, %s)", [number, name])
        ran.append(f"{number:04d}_{name}")
    return ran


def _check_timeout(connection: Connection, session_timeout_ms: int) -> None:
    connection.execute(
        "INSERT INTO schema_settings (session_timeout_ms) VALUES (%s) ON CONFLICT DO NOTHING", [session_timeout_ms]
    )
    if (stored := session_timeout(connection)) != session_timeout_ms:
        raise ServiceRefused(
            f"the sessions in this schema were made with a timeout of {stored / 60_000:g} minutes,"
            f" not {session_timeout_ms / 60_000:g}",
            hint="set CONSUMER_SESSION_TIMEOUT_MINUTES back, or use another PG_SCHEMA_NAME",
        )


def refuse_half_reset(connection: Connection) -> None:
    """Raise ServiceRefused where a reset has begun and not ended: topic and tables may not belong together."""
    if connection.execute("SELECT to_regclass(%s)", [RESET_MARK]).fetchone() != (None,):
        raise ServiceRefused(
            "a data reset is under way here, or was cut short", hint="`clickstream data reset` again completes it"
        )


def session_timeout(connection: Connection) -> int:
    """The session timeout, in milliseconds, that this schema's sessions were made with."""
    row = connection.execute("SELECT session_timeout_ms FROM schema_settings").fetchone()
    if row is None:
        raise psycopg.errors.UndefinedTable("schema_settings is empty")
    return int(str(row[0]))
