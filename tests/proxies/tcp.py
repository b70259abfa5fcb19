"""A proxy on a port of its own; what it does with a connection is up to its subclass."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Address = tuple[str, int]


class Proxy:
    """Accepts connections until its block ends, each in threads of its own."""

    def __init__(self, target: Address) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve(self, client: socket.socket) -> None:
        """Take care of one connection; what it raises of the kind OSError ends the connection."""
        raise NotImplementedError

    def reach(self) -> socket.socket:
        """A connection to the real server."""
        return self._kept(socket.create_connection(self.target, 10))

    @contextmanager
    def running(self) -> Iterator[None]:
        accepting = threading.Thread(target=self._accept, daemon=True)
        accepting.start()
        try:
            yield
        finally:
            self._close()
            accepting.join(10)

    def _close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(self._kept(client),), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            self.serve(client)

    def _kept(self, one: socket.socket) -> socket.socket:
        one.settimeout(None)
        self._open.append(one)
        return one


def pump(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes] = bytes) -> None:
    """Hand on whatever comes until either end closes, and then close both directions."""
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            sink.sendall(change(chunk))
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def pump_both(client: socket.socket, server: socket.socket) -> None:
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    pump(client, server)
    back.join(10)


def exactly(source: socket.socket, count: int) -> bytes:
    """The next bytes. Raises ConnectionError where the other end closes before."""
    found = b""
    while len(found) < count:
        chunk = source.recv(count - len(found))
        if not chunk:
            raise ConnectionError("closed")
        found += chunk
    return found
