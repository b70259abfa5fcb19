"""A pooler in front of PostgreSQL, as PgBouncer is one: it drops start-up options, and shares server connections."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from clickstream.config.settings import PostgresSettings
from tests.proxies.tcp import Proxy, exactly

_TRACKED = ("server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone", "integer_datetimes")


class Pooler(Proxy):
    """Clients need no password. `shared`: as in transaction mode, else as in session mode, a server connection each."""

    def __init__(self, settings: PostgresSettings, *, shared: bool) -> None:
        super().__init__((settings.host, settings.port))
        self._settings = settings
        self._shared = shared
        self._idle: list[psycopg.Connection] = []
        self._lock = threading.Lock()

    def serve(self, client: socket.socket) -> None:
        if not _start_up(client):
            return
        own = self._take()
        try:
            _greet(client, own)
            if self._shared:
                self._give_back(own)
            while True:
                request = _messages_up_to_sync(client)
                server = self._take() if self._shared else own
                _answer(client, server, request)
                if self._shared:
                    self._give_back(server)
        finally:
            if not self._shared:
                own.close()

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    def _take(self) -> psycopg.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        settings = self._settings
        return psycopg.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value() if settings.password else None,
            dbname=settings.database,
            autocommit=True,
        )

    def _give_back(self, connection: psycopg.Connection) -> None:
        with self._lock:
            self._idle.append(connection)


def _start_up(client: socket.socket) -> bool:
    while True:
        (length,) = struct.unpack("!i", exactly(client, 4))
        body = exactly(client, length - 4)
        (code,) = struct.unpack("!i", body[:4])
        if code == 196608:
            return True  # with whatever it names: no option of the client reaches the server
        if code == 80877102:  # a request to cancel
            return False
        client.sendall(b"N")


def _greet(client: socket.socket, server: psycopg.Connection) -> None:
    client.sendall(_message(b"R", struct.pack("!i", 0)))
    for name in _TRACKED:
        value = server.info.parameter_status(name) or ""
        client.sendall(_message(b"S", f"{name}\0{value}\0".encode()))
    client.sendall(_message(b"K", struct.pack("!ii", 7, 7)) + _message(b"Z", b"I"))


def _messages_up_to_sync(client: socket.socket) -> bytes:
    """A request whole: a simple query, or an extended one up to its Sync."""
    found = b""
    while True:
        head = exactly(client, 5)
        found += head + exactly(client, struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] in b"QS":
            return found
        if head[:1] == b"X":
            raise ConnectionError("the client leaves")


def _answer(client: socket.socket, server: psycopg.Connection, request: bytes) -> None:
    """Pass the request on and its answers back, over the server connection's own socket."""
    with socket.socket(fileno=os.dup(server.fileno())) as raw:
        raw.setblocking(True)
        raw.sendall(request)
        while True:
            head = exactly(raw, 5)
            client.sendall(head + exactly(raw, struct.unpack("!i", head[1:])[0] - 4))
            if head[:1] == b"G":  # the server waits for rows
                _send_rows(client, raw, extended=request.endswith(_SYNC))
            if head[:1] == b"Z":
                return


def _send_rows(client: socket.socket, raw: socket.socket, *, extended: bool) -> None:
    while True:
        head = exactly(client, 5)
        raw.sendall(head + exactly(client, struct.unpack("!i", head[1:])[0] - 4))
        if head[:1] in b"cf":
            break
    if extended:
        raw.sendall(exactly(client, len(_SYNC)))


_SYNC = b"S\0\0\0\4"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@contextmanager
def pooler(settings: PostgresSettings, *, shared: bool) -> Iterator[PostgresSettings]:
    """Settings that reach the server through it."""
    proxy = Pooler(settings, shared=shared)
    with proxy.running():
        yield settings.model_copy(update={"port": proxy.port})
    proxy.close()
