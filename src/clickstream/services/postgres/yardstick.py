"""The copy limit of a benchmark: how fast PostgreSQL alone would store the same rows.

The rows of `events` and `sessions`, in the order in which they lie there, are read into memory and COPYed in binary
into fresh tables with the same primary keys, by as many connections as there were consumers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from psycopg import sql

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres import copy
from clickstream.services.postgres.connection import Connection, connect, translated

_NAME: Final = "clickstream benchmark"

_TABLES: Final = {"events": copy.EVENT_FIELDS, "sessions": copy.SESSION_FIELDS}

_PIECE: Final = 1 << 20
"""Bytes handed to the driver at once."""

Rows = dict[str, list[bytes]]
"""By table: a whole binary COPY stream, in pieces."""


def copy_limit(settings: PostgresSettings, connections: int) -> float:
    """Seconds that storing the rows took, from the first byte to the last commit.

    Raises:
        ServiceUnavailable, ServiceRefused: PostgreSQL does not answer, or the schema lacks the tables.
    """
    with connect(settings, application_name=_NAME, writes=True) as connection, translated():
        shares = [_read(connection, connections, number) for number in range(connections)]
        for table in _TABLES:
            connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(_limit(table), sql.Identifier(table))
            )
    try:
        return _store(settings, shares)
    finally:
        with connect(settings, application_name=_NAME, writes=True) as connection, translated():
            for table in _TABLES:
                connection.execute(sql.SQL("DROP TABLE {}").format(_limit(table)))


def _read(connection: Connection, connections: int, number: int) -> Rows:
    """One connection's share: the visitors whose id leaves this remainder."""
    rows: Rows = {}
    for table, fields in _TABLES.items():
        statement = sql.SQL("COPY (SELECT {} FROM {} WHERE visitor_id % {} = {}) TO STDOUT (FORMAT BINARY)").format(
            _names(fields), sql.Identifier(table), sql.Literal(connections), sql.Literal(number)
        )
        with connection.cursor() as cursor, cursor.copy(statement) as stream:
            whole = b"".join(map(bytes, stream))
        rows[table] = [whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)]
    return rows


def _store(settings: PostgresSettings, shares: Sequence[Rows]) -> float:
    ready = threading.Barrier(len(shares) + 1)
    failures: list[BaseException] = []

    def store(rows: Rows) -> None:
        try:
            with connect(settings, application_name=_NAME, writes=True) as connection, translated():
                connection.execute("SET synchronous_commit = off")  # as a consumer has it
                ready.wait()
                for table, pieces in rows.items():
                    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                        _limit(table), _names(_TABLES[table])
                    )
                    with connection.cursor() as cursor, cursor.copy(statement) as stream:
                        for piece in pieces:
                            stream.write(piece)
        except BaseException as error:
            failures.append(error)
            ready.abort()

    threads = [threading.Thread(target=store, args=(rows,), name="copy limit", daemon=True) for rows in shares]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise failures[0] from None
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise failures[0]
    return seconds


def _limit(table: str) -> sql.Identifier:
    return sql.Identifier(f"limit_{table}")


def _names(fields: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, fields))
