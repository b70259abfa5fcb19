"""A proxy in front of PostgreSQL that refuses the first connections with the SQLSTATEs that it is given."""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from clickstream.config.settings import PostgresSettings
from tests.proxies.tcp import Proxy, exactly, pump_both

_ENCRYPTION_REQUESTS = {80877103, 80877104}


class PostgresProxy(Proxy):
    """`states`: what the next connections are refused with, in words that no client knows."""

    def __init__(self, settings: PostgresSettings, states: Iterable[str]) -> None:
        super().__init__((settings.host, settings.port))
        self.states = deque(states)
        self.refused = self.served = 0

    def serve(self, client: socket.socket) -> None:
        while True:
            (length,) = struct.unpack("!i", exactly(client, 4))
            body = exactly(client, length - 4)
            if struct.unpack("!i", body[:4])[0] not in _ENCRYPTION_REQUESTS:
                break
            client.sendall(b"N")
        if self.states:
            self.refused += 1
            client.sendall(_error(self.states.popleft()))
            return
        self.served += 1
        with self.reach() as server:
            server.sendall(struct.pack("!i", length) + body)
            pump_both(client, server)


def _error(state: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": state, "M": "el servidor no está listo"}
    body = b"".join(f"{code}{text}\0".encode() for code, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@contextmanager
def postgres_proxy(settings: PostgresSettings, *states: str) -> Iterator[PostgresProxy]:
    proxy = PostgresProxy(settings, states)
    with proxy.running():
        yield proxy
