"""The supervisor's end of the socket: reads requests, has the supervisor execute them, writes replies.

No request and no disconnect of a client disturbs the supervisor or another client.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.supervision.protocol import (
    MAX_LINE,
    GetSnapshot,
    Remove,
    Reply,
    Request,
    Restart,
    Shutdown,
    Start,
    StopProcesses,
    Tell,
    Watch,
)
from clickstream.supervision.supervisor import Supervisor

log = logging.getLogger(__name__)

_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()


class Server:
    """Listens on the socket while open."""

    def __init__(self, supervisor: Supervisor, path: Path, shut_down: Callable[[], asyncio.Future[None]]) -> None:
        """`shut_down` begins the end of this supervisor; what it returns is done when all processes have ended."""
        self._supervisor = supervisor
        self._path = path
        self._shut_down = shut_down
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Replace a stale socket: the caller holds the home's lock, so no other process listens there."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)
        finally:
            os.umask(mask)

    def close(self) -> None:
        """Let no new client in; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                async for reply in self._answers(line):
                    writer.write(_encoder.encode(reply) + b"\n")
                    await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or everything ends
        except ValueError:
            log.warning("a client sent more than %d bytes without a line end; hung up", MAX_LINE)
        finally:
            writer.close()

    async def _answers(self, line: bytes) -> AsyncIterator[Reply]:
        try:
            request = _decoder.decode(line)
            if isinstance(request, Watch):
                async for snapshot in self._supervisor.snapshots():
                    yield Reply(snapshot=snapshot)
            yield await self._execute(request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield Reply(error=f"not a request: {error}", usage=True)
        except ClickstreamError as error:
            yield Reply(error=str(error.args[0]), hint=error.hint, usage=isinstance(error, UsageError))
        except Exception as error:
            log.exception("fault while answering a client")
            yield Reply(error=f"fault in the supervisor: {error!r}", hint="see its log")

    async def _execute(self, request: Request) -> Reply:
        match request:
            case GetSnapshot():
                return Reply(snapshot=self._supervisor.snapshot())
            case Start(specs):
                await self._supervisor.start(specs)
            case StopProcesses(names, kill):
                await self._supervisor.stop(names, kill=kill)
            case Restart(names):
                await self._supervisor.restart(names)
            case Remove(names):
                self._supervisor.remove(names)
            case Tell(name, line):
                self._supervisor.tell(name, line)
            case Shutdown():
                await asyncio.shield(self._shut_down())
        return Reply()
