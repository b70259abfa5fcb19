"""The pool of connections behind short reads: psycopg_pool's, with the errors of `connect`. Loads late: see reads.py.

psycopg_pool opens connections in a thread of its own. If one cannot be opened, it logs that and tries again for
minutes, and the waiting reader only learns of a timeout. Here the reader gets the error at once, and a connection is
opened only while a reader waits for it.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Final, cast
from weakref import WeakSet

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.services.postgres import session_settings
from clickstream.services.postgres.connection import SERVICE, Connection, connect
from clickstream.services.repeat import repeat

IDLE_SECONDS: Final = 30.0
"""So often one connection that was not needed meanwhile is closed, down to none."""

_WITHIN: Final = 60.0
"""Seconds for which a reader waits while a connection opens: longer than `connect` takes to give up."""

_UNACKNOWLEDGED_MS: Final = 10_000
"""A connection that has waited here may lead to a machine that is gone: a read must learn of that soon."""

_CLOSED_WITHIN: Final = 0.5
"""Seconds for which closing waits for the pool's threads; one that still connects ends by itself, or with the process.
"""

logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # readers get what it logs, as errors


class ReaderPool(ConnectionPool[Connection]):
    """Connections of one process to one server, opened by `connect`."""

    def __init__(self, settings: PostgresSettings, *, name: str, size: int) -> None:
        """Opens nothing yet.

        Args:
            settings: whose server.
            name: of the connections, as the server's own lists show it.
            size: how many connections at most.
        """
        self.settings: Final = settings
        self._free = threading.BoundedSemaphore(size)
        self._new: WeakSet[Connection] = WeakSet()
        super().__init__(
            connection_class=cast("type[Connection]", _Opener(settings, name)),
            min_size=0,
            max_size=size,
            max_idle=IDLE_SECONDS,
            timeout=_WITHIN,
            num_workers=1,
            open=True,
        )

    def free_connection(self, patience: float) -> Connection | None:
        """A connection whose session is as `connect` makes it, to be given back; None: all are in use, or it is closed.

        Raises:
            ServiceUnavailable, ServiceRefused: as `connect` does.
        """
        if not self._free.acquire(blocking=False):
            return None
        connection = None
        try:
            with suppress(PoolClosed):
                connection = repeat(self._checked_connection, is_transient=_passes, within=patience)
        finally:
            if connection is None:
                self._free.release()
        return connection

    def give_back(self, connection: Connection) -> None:
        """Let others have it."""
        self.putconn(connection)
        self._free.release()

    def _checked_connection(self) -> Connection:
        while True:
            try:
                connection = self.getconn()
            except PoolTimeout as error:
                raise ServiceUnavailable(SERVICE, f"no connection within {_WITHIN:g} s") from error
            if connection in self._new:
                self._new.discard(connection)
                return connection
            try:
                session_settings.restore(connection, self.settings)
            except (psycopg.Error, ServiceRefused):  # it broke while it was idle, or is another server's by now
                self._discard(connection)
            except BaseException:
                self._discard(connection)
                raise
            else:
                return connection

    def close(self, timeout: float = _CLOSED_WITHIN) -> None:
        """Close it; a connection that is in use closes when it is given back."""
        super().close(timeout)

    def abandon(self) -> None:
        """Leave it, without a word to the server: after a fork, threads and connections are the parent's."""
        self._closed = True

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self.putconn(connection)

    def _add_connection(self, attempt: object, growing: bool = False) -> None:
        """What the pool's thread does to grow, or to replace a connection that was closed."""
        with self._lock:
            if not growing or not self._waiting:
                self._shrink_by_one(growing)
                return
        try:
            connection = self._connect()
        except Exception as error:
            with self._lock:
                waiting = list(self._waiting)
                self._waiting.clear()
                self._shrink_by_one(growing)
            for reader in waiting:
                reader.fail(error)
            return
        with self._lock:
            if self._waiting:
                self._new.add(connection)
            self._add_to_pool(connection)
            self._growing = False
            if self._waiting:
                self._maybe_grow_pool()

    def _shrink_by_one(self, growing: bool) -> None:
        self._nconns -= 1
        if growing:
            self._growing = False
        if self._waiting:
            self._maybe_grow_pool()


def _passes(error: Exception) -> bool:
    return isinstance(error, ServiceNotReady)


class _Opener:
    """What the pool takes for a class of connections."""

    def __init__(self, settings: PostgresSettings, name: str) -> None:
        self._settings, self._name = settings, name

    def connect(self, _conninfo: str, **_: object) -> Connection:
        connection = connect(
            self._settings, application_name=self._name, patience=0, tcp_user_timeout=_UNACKNOWLEDGED_MS
        )
        # A statement that the server keeps prepared fails once the tables were changed or made again.
        connection.prepare_threshold = None
        return connection
