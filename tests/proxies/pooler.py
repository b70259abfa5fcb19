"""Poolers in front of PostgreSQL, as PgBouncer is one: they drop start-up options, and may share server connections."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from clickstream.config.settings import PostgresSettings
from tests.proxies.tcp import Proxy, exactly, pump

_DROPPED = (b"options",)
_TRACKED = ("server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone", "integer_datetimes")
_SYNC = b"S\0\0\0\4"
_KEY = b"K\0\0\0\x0c"


class SessionPooler(Proxy):
    """A server connection for each client, made without its options, and a key for cancelling of its own."""

    def serve(self, client: socket.socket) -> None:
        start_up = _start_up(client)
        if start_up is None:
            return
        words = start_up[4:].rstrip(b"\0").split(b"\0")
        kept = [word for pair in zip(words[::2], words[1::2], strict=True) if pair[0] not in _DROPPED for word in pair]
        body = start_up[:4] + b"".join(word + b"\0" for word in kept) + b"\0"
        with self.reach() as server:
            server.sendall(struct.pack("!i", len(body) + 4) + body)
            threading.Thread(target=pump, args=(server, client, _with_another_key), daemon=True).start()
            pump(client, server)


class TransactionPooler(Proxy):
    """Gives each request the server connection that was free last. Clients need no password."""

    def __init__(self, settings: PostgresSettings) -> None:
        super().__init__((settings.host, settings.port))
        self._settings = settings
        self._all: list[psycopg.Connection] = []
        self._idle: list[psycopg.Connection] = []
        self._lock = threading.Lock()

    def serve(self, client: socket.socket) -> None:
        if _start_up(client) is None:
            return
        with self._server() as server:
            _greet(client, server)
        while True:
            request = _messages_up_to_sync(client)
            with self._server() as server:
                _answer(client, server, request)

    def close(self) -> None:
        for connection in self._all:
            connection.close()

    @contextmanager
    def _server(self) -> Iterator[psycopg.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else self._connected()
        yield connection
        with self._lock:
            self._idle.append(connection)

    def _connected(self) -> psycopg.Connection:
        settings = self._settings
        made = psycopg.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value() if settings.password else None,
            dbname=settings.database,
            autocommit=True,
        )
        self._all.append(made)
        return made


def _start_up(client: socket.socket) -> bytes | None:
    """The start-up message's body; None: it was a request to cancel."""
    while True:
        (length,) = struct.unpack("!i", exactly(client, 4))
        body = exactly(client, length - 4)
        (code,) = struct.unpack("!i", body[:4])
        if code == 80877102:
            return None
        if code >> 16 == 3:
            return body
        client.sendall(b"N")  # no encryption


def _with_another_key(chunk: bytes) -> bytes:
    before, key, after = chunk.partition(_KEY)
    return before + key + struct.pack("!ii", 7, 7) + after[8:] if key and after[8:9] == b"Z" else chunk


def _greet(client: socket.socket, server: psycopg.Connection) -> None:
    client.sendall(_message(b"R", struct.pack("!i", 0)))
    for name in _TRACKED:
        value = server.info.parameter_status(name) or ""
        client.sendall(_message(b"S", f"{name}\0{value}\0".encode()))
    client.sendall(_KEY + struct.pack("!ii", 7, 7) + _message(b"Z", b"I"))


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
        head = b""
        while head[:1] != b"Z":
            head = exactly(raw, 5)
            client.sendall(head + exactly(raw, struct.unpack("!i", head[1:])[0] - 4))


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@contextmanager
def session_pooler(settings: PostgresSettings) -> Iterator[PostgresSettings]:
    """Settings that reach the server through it."""
    proxy = SessionPooler((settings.host, settings.port))
    with proxy.running():
        yield settings.model_copy(update={"port": proxy.port})


@contextmanager
def transaction_pooler(settings: PostgresSettings) -> Iterator[PostgresSettings]:
    """The same."""
    proxy = TransactionPooler(settings)
    with proxy.running():
        yield settings.model_copy(update={"port": proxy.port})
    proxy.close()
