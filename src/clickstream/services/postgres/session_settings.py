"""The session settings that our statements rely on: set for each connection, read back, and refused where not kept.

A role, a database, a server or a pooler may have set any of them otherwise, and then statements would compute something
else, stop half-way, or reach another schema's tables.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import sql

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceNotReady, ServiceRefused

Connection = psycopg.Connection[tuple[object, ...]]

_WANTED: Final = {
    # What the protocol of several consumers is proved for; under any other, a batch works from an old snapshot.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    # A statement that waits for a lock, or for a frozen owner, ends by our own rules.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # Rows that a policy hides would be missing without a word; like this it is an error.
    "row_security": "off",
    "client_encoding": "UTF8",
    "client_min_messages": "warning",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
}

_SINCE: Final = {"idle_session_timeout": ("0", 140_000), "transaction_timeout": ("0", 170_000)}
"""Settings that older servers do not know: the value, and the version."""

_PROBE_WITHIN: Final = 3.0
"""Seconds for the question whether a pooler shares its connections; one without a connection to spare answers later."""

_known_poolers: dict[tuple[str, int, str, str], bool] = {}
_asking: Final = threading.Lock()


def pin(connection: Connection, settings: PostgresSettings, *, another: Callable[[], Connection], writes: bool) -> None:
    """Set the session settings, and see that they are in force.

    Args:
        connection: new, in autocommit mode.
        settings: with the schema that unqualified names are to mean.
        another: opens one more connection of the same kind.
        writes: what comes will write.

    Raises:
        ServiceRefused: they are not kept.
        ServiceNotReady: `writes`, and the server takes none.
        psycopg.Error: the connection broke.
    """
    wanted = _wanted(connection, settings)
    connection.execute(_assignment(wanted))
    backend, read_only, replica, *found = _only_row(connection.execute(_question(wanted)))
    _refuse_others(wanted, found)
    if backend != connection.info.backend_pid:
        _refuse_shared_backends(connection, settings, backend, another)
    if writes and (read_only or replica):
        why = "it is a replica; PG_HOST must name the primary" if replica else "its transactions are read-only"
        raise ServiceNotReady("PostgreSQL", f"it takes no writes: {why}")


def restore(connection: Connection, settings: PostgresSettings) -> None:
    """Bring a session that `pin` made, and that was used since, back to what it was, in one round trip.

    Raises:
        ServiceRefused: the settings are not kept.
        psycopg.Error: the connection broke.
    """
    connection.isolation_level = connection.read_only = connection.deferrable = None
    wanted = _wanted(connection, settings)
    cursor = connection.execute(sql.SQL("RESET ALL; {}; {}").format(_assignment(wanted), _question(wanted)))
    while cursor.nextset():
        pass
    _, _, _, *found = _only_row(cursor)
    _refuse_others(wanted, found)


def _wanted(connection: Connection, settings: PostgresSettings) -> dict[str, str]:
    version = connection.info.server_version
    newer = {name: value for name, (value, since) in _SINCE.items() if version >= since}
    # Quoted, or PostgreSQL would look for small letters.
    schema = sql.Identifier(settings.schema_name).as_string(connection)
    return {"search_path": schema, **_WANTED, **newer}


def _assignment(wanted: dict[str, str]) -> sql.Composed:
    settings = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
        for name, value in wanted.items()
    )
    return sql.SQL("SELECT {}").format(settings)


def _question(wanted: dict[str, str]) -> sql.Composed:
    settings = sql.SQL(", ").join(sql.SQL("current_setting({})").format(sql.Literal(name)) for name in wanted)
    return sql.SQL(
        "SELECT pg_backend_pid(), current_setting('transaction_read_only')::bool, pg_is_in_recovery(), {}"
    ).format(settings)


def _only_row(cursor: psycopg.Cursor[tuple[object, ...]]) -> tuple[object, ...]:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 (a SELECT without FROM has a row)
    return row


def _refuse_others(wanted: dict[str, str], found: list[object]) -> None:
    """Raise ServiceRefused where other settings than these are in force."""
    for (name, value), actual in zip(wanted.items(), found, strict=True):
        if actual != value:
            raise _not_kept(f"{name} is {actual!r} again after it was set to {value!r}")


def _refuse_shared_backends(
    connection: Connection, settings: PostgresSettings, backend: object, another: Callable[[], Connection]
) -> None:
    """Raise ServiceRefused where the pooler in between gives one server connection to several clients in turn.

    The process that serves us is not the one that the connection was made with, so there is a pooler. In transaction
    mode a second client is served by the process that just served us, or we by another one afterwards. It is asked once
    for each server and user.
    """
    key = (settings.host, settings.port, settings.user, settings.database)
    with _asking:
        if key not in _known_poolers:
            second = _backend_of_another(another)
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            _known_poolers[key] = second == backend or row is None or row[0] != backend
    if _known_poolers[key]:
        raise _not_kept("between us is a pooler in transaction mode, where settings are lost")


def _backend_of_another(another: Callable[[], Connection]) -> int | None:
    """The process that serves a second client; None where the pooler has none to spare, so shares none either."""
    try:
        connection = another()
    except psycopg.OperationalError:
        return None
    server, deadline = connection.pgconn, time.monotonic() + _PROBE_WITHIN
    try:
        server.send_query(b"SELECT pg_backend_pid()")
        server.flush()
        while server.is_busy():
            if not select.select([server.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            server.consume_input()
        result = server.get_result()
        value = result.get_value(0, 0) if result is not None and result.ntuples else None
        return int(value) if value else None
    except psycopg.OperationalError:
        return None
    finally:
        connection.close()


def _not_kept(what: str) -> ServiceRefused:
    return ServiceRefused(
        f"PostgreSQL does not keep the session settings that clickstream needs: {what}",
        hint="set PG_HOST and PG_PORT to the server itself, or the pooler to session mode (pool_mode = session)",
    )
