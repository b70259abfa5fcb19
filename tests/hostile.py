"""What others may have set otherwise: roles with settings and rights of their own, made by the server's superuser."""

from __future__ import annotations

from typing import Any

import psycopg

from clickstream.config.settings import PostgresSettings

ODD_SETTINGS = (
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
    "default_transaction_deferrable = on",
    "statement_timeout = '7s'",
    "lock_timeout = '7s'",
    "idle_in_transaction_session_timeout = '7s'",
    "idle_session_timeout = '7s'",
    "transaction_timeout = '7s'",
    "search_path = public, pg_catalog",
    "client_encoding = 'LATIN1'",
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'German, DMY'",
    "IntervalStyle = 'iso_8601'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "transform_null_equals = on",
)
"""Of a role: all that a session may be given that changes what a statement means or how long it may take."""


def execute(postgres: PostgresSettings, *statements: str) -> list[tuple[Any, ...]]:
    """Run the statements, each for itself, as `postgres` says; the rows of the last one, if it brings any."""
    with psycopg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.user,
        password=postgres.password.get_secret_value() if postgres.password else None,
        dbname=postgres.database,
        autocommit=True,
    ) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def odd_settings(role: str) -> list[str]:
    """Statements that give the role all of them."""
    return [f"ALTER ROLE {role} SET {assignment}" for assignment in ODD_SETTINGS]


def rights_on_rows(role: str, schema: str) -> list[str]:
    """Statements that let the role work with tables that are there, and make none."""
    return [
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    ]
