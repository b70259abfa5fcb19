"""A proxy in front of Valkey that answers the first commands itself."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from clickstream.config.settings import ValkeySettings
from tests.proxies.tcp import Proxy, pump

_ALWAYS_ALLOWED = (b"AUTH", b"CLIENT", b"HELLO", b"SELECT")
"""Commands that a server takes while it loads its data."""


class ValkeyProxy(Proxy):
    """`answers`: what the next commands are answered with, but those of the log-in."""

    def __init__(self, settings: ValkeySettings, answers: Iterable[str]) -> None:
        super().__init__((settings.host, settings.port))
        self.answers = deque(answers)

    def serve(self, client: socket.socket) -> None:
        with self.reach() as server:
            threading.Thread(target=pump, args=(server, client), daemon=True).start()
            # The client waits for each answer, and its commands are small: one read is one command.
            while command := client.recv(1 << 16):
                name = command.split(b"\r\n")[2]
                if self.answers and name not in _ALWAYS_ALLOWED:
                    client.sendall(f"-{self.answers.popleft()}\r\n".encode())
                else:
                    server.sendall(command)


@contextmanager
def valkey_proxy(settings: ValkeySettings, *answers: str) -> Iterator[ValkeyProxy]:
    proxy = ValkeyProxy(settings, answers)
    with proxy.running():
        yield proxy
