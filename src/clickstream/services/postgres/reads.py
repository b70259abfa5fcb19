"""Short reads: a connection out of this process's pool, with everything that `connect` promises.

What writes, lasts or is part of the hot path keeps a connection of its own.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import Connection, connect
from clickstream.services.repeat import PATIENCE

if TYPE_CHECKING:
    from clickstream.services.postgres.pool import ReaderPool

NAME: Final = "clickstream reader"

MOST: Final = 4
"""Connections that are kept. A read that finds all of them in use opens one of its own: it must not wait for others."""

FIRST: Final = 2
"""Reads of a process that open a connection each: a command makes one or two, and to load the pool takes longer."""


class _Readers:
    """The one pool of this process: of the settings that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ReaderPool | None = None
        self._ended = False
        self._reads = itertools.count()

    def connection_for(self, settings: PostgresSettings, patience: float) -> tuple[ReaderPool | None, Connection]:
        """A connection, and the pool that it is to be given back to, if any."""
        pool = self._pool_of(settings) if next(self._reads) >= FIRST else None
        connection = pool.free_connection(patience) if pool is not None else None
        if connection is not None:
            return pool, connection
        return None, connect(settings, application_name=NAME, patience=patience)

    def end(self) -> None:
        """Close the pool for good: were it left to the interpreter, that would wait for threads it has stopped."""
        with self._lock:
            pool, self._pool, self._ended = self._pool, None, True
        if pool is not None:
            pool.close()

    def abandon(self) -> None:
        if self._pool is not None:
            self._pool.abandon()

    def _pool_of(self, settings: PostgresSettings) -> ReaderPool | None:
        """The pool of these settings; that of others is closed. None: the process ends."""
        from clickstream.services.postgres.pool import ReaderPool  # noqa: PLC0415 (only a process that reads needs it)

        with self._lock:
            old = self._pool
            if self._ended or (old is not None and old.settings == settings):
                return old
            pool = self._pool = ReaderPool(settings, name=NAME, size=MOST)
        if old is not None:
            old.close()
        return pool


_readers = _Readers()


@contextmanager
def borrow(settings: PostgresSettings, *, patience: float = PATIENCE) -> Iterator[Connection]:
    """A connection in autocommit mode under the session settings of `connect`, for one short read in one thread.

    Args:
        settings: whose server.
        patience: as `connect` has it.

    Raises:
        ServiceUnavailable, ServiceRefused: as `connect` does.
    """
    pool, connection = _readers.connection_for(settings, patience)
    try:
        with connection:
            yield connection
    finally:
        if pool is not None:
            pool.give_back(connection)


def _after_fork() -> None:
    """Threads, locks and connections are the parent's; this process begins without any."""
    global _readers  # noqa: PLW0603
    _readers.abandon()
    _readers = _Readers()


atexit.register(lambda: _readers.end())  # noqa: PLW0108 (those of then)
os.register_at_fork(after_in_child=_after_fork)
