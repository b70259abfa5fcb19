"""A TCP relay on the loopback interface, as a process of the supervisor: `python -m clickstream.supervision.relay`.

Passes bytes on unread. Killing it cuts every connection through it and loses the bytes on the way. It ends by itself
after some time without use.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 65_536

UNUSED = 30.0
"""Seconds without a connection after which it ends: the process that wanted it has been killed by then."""


class Relay:
    """What comes in on `listen` goes to `to`, and back."""

    def __init__(self, listen: int, to: int) -> None:
        self._listen = listen
        self._to = to
        self._open = 0
        self._used = 0.0

    async def run(self) -> None:
        """Until it is unused, or cancelled."""
        loop = asyncio.get_running_loop()
        self._used = loop.time()
        await asyncio.start_server(self._relay, HOST, self._listen)
        sys.stdout.write(f"forwarding {HOST}:{self._listen} to {HOST}:{self._to}\n")
        sys.stdout.flush()
        while self._open or loop.time() - self._used < UNUSED:
            await asyncio.sleep(1)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            there, to = await asyncio.open_connection(HOST, self._to)
            await asyncio.gather(_pump(reader, to), _pump(there, writer))
        except OSError:
            pass  # no server listens there: hanging up says so
        finally:
            writer.transport.abort()
            self._open -= 1
            self._used = asyncio.get_running_loop().time()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until one side hangs up; then the other side hears of it."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _main(listen: int, to: int) -> None:
    running = asyncio.ensure_future(Relay(listen, to).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--to", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(_main(given.listen, given.to))
