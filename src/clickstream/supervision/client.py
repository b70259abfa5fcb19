"""The client's end of the socket: a Control. One connection a call, so that threads need not share one.

Loads no asyncio: a command that only asks must start fast.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import FINAL_STATES, ProcessSpec, ProcessState, ProcessStatus, Snapshot
from clickstream.supervision.private import is_ours
from clickstream.supervision.protocol import (
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

ANSWER_TIMEOUT = 30.0
"""Seconds for what the supervisor answers at once; far more than it needs on a machine that swaps."""

_reply = msgspec.json.Decoder(Reply)


def connect(home: Home) -> SupervisorClient | None:
    """A client of this home's supervisor; None where none answers."""
    if not is_ours(home.socket.parent):
        return None
    client = SupervisorClient(home.socket)
    try:
        client.dial().close()
    except OSError:
        return None
    return client


class SupervisorClient:
    """The supervisor behind a socket. Implements Control (actions/control.py), where the methods are described."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def dial(self) -> socket.socket:
        """A new connection. Raises OSError if no supervisor listens."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(ANSWER_TIMEOUT)
            connection.connect(str(self._path))
        except BaseException:
            connection.close()
            raise
        return connection

    def snapshot(self) -> Snapshot:
        return _snapshot(self._ask(GetSnapshot()))

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        self._ask(Start(tuple(specs)), patient=True)

    def stop(self, names: Sequence[str], *, kill: bool = False) -> None:
        self._ask(StopProcesses(tuple(names), kill), patient=True)

    def restart(self, names: Sequence[str]) -> None:
        self._ask(Restart(tuple(names)), patient=True)

    def remove(self, names: Sequence[str]) -> None:
        self._ask(Remove(tuple(names)))

    def tell(self, name: str, line: str) -> None:
        self._ask(Tell(name, line))

    def wait(self, names: Sequence[str], states: Collection[ProcessState], timeout: float) -> Snapshot:
        deadline = time.monotonic() + timeout
        snapshot = None
        try:
            for reply in self._talk(Watch(), deadline=deadline):
                snapshot = _snapshot(reply)
                if all(_arrived(snapshot.get(name), name, states) for name in names):
                    return snapshot
        except TimeoutError:
            pass
        if snapshot is None or time.monotonic() < deadline:
            raise _gone()
        raise ClickstreamError(_late(snapshot, names, states, timeout))

    def watch(self) -> Iterator[Snapshot]:
        for reply in self._talk(Watch()):
            yield _snapshot(reply)

    def shutdown(self) -> None:
        import psutil  # noqa: PLC0415 (slow to load, and needed here only)

        try:
            supervisor = psutil.Process(self.snapshot().supervisor_pid)
        except psutil.NoSuchProcess:
            return
        for _ in self._talk(Shutdown(), patient=True):
            pass  # the reply is followed by the end of the connection, that by the end of the process
        while supervisor.is_running() and supervisor.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)

    def _ask(self, request: Request, *, patient: bool = False) -> Reply:
        for reply in self._talk(request, patient=patient):
            return reply
        raise _gone()

    def _talk(self, request: Request, *, patient: bool = False, deadline: float | None = None) -> Iterator[Reply]:
        """The replies to a request, until the supervisor hangs up.

        Args:
            request: what to ask.
            patient: wait for a reply as long as it takes; stopping takes as long as the processes need.
            deadline: on the monotonic clock; TimeoutError is raised when it passes.
        """
        try:
            with closing(self.dial()) as connection, connection.makefile("rwb") as stream:
                stream.write(_encoded(request))
                stream.flush()
                while True:
                    if deadline is not None:
                        connection.settimeout(max(deadline - time.monotonic(), 0.001))
                    elif patient:
                        connection.settimeout(None)
                    line = stream.readline()
                    if not line.endswith(b"\n"):
                        return
                    yield _checked(line)
        except TimeoutError:
            if deadline is not None:
                raise
            raise ClickstreamError("the supervisor does not answer", hint="see its log") from None
        except OSError as error:
            raise _gone() from error


def _encoded(request: Request) -> bytes:
    try:
        return msgspec.json.encode(request) + b"\n"
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{error.object!r} is not text in UTF-8, and cannot be told to a process that runs in the background",
            hint="rename that file or folder",
        ) from error


def _checked(line: bytes) -> Reply:
    try:
        reply = _reply.decode(line)
    except msgspec.MsgspecError as error:
        raise ClickstreamError(
            f"the supervisor's answer is not understood ({error})",
            hint="it may be of another version: stop everything and start again",
        ) from error
    if reply.error is not None:
        raise (UsageError if reply.usage else ClickstreamError)(reply.error, hint=reply.hint)
    return reply


def _snapshot(reply: Reply) -> Snapshot:
    if reply.snapshot is None:
        raise ClickstreamError("the supervisor's answer holds no snapshot")
    return reply.snapshot


def _gone() -> ClickstreamError:
    return ClickstreamError("the supervisor has gone", hint="see its log")


def _arrived(process: ProcessStatus | None, name: str, states: Collection[ProcessState]) -> bool:
    if process is None:
        raise UsageError(f"no such process: {name}")
    if process.state in states:
        return True
    if process.state in FINAL_STATES:
        reason = f": {process.exit_reason}" if process.exit_reason else ""
        raise ClickstreamError(f"{name} {process.state}{reason}", hint=f"see its log, {name}.log")
    return False


def _late(snapshot: Snapshot, names: Sequence[str], states: Collection[ProcessState], timeout: float) -> str:
    wanted = " or ".join(sorted(states))
    late = [p for name in names if (p := snapshot.get(name)) is not None and p.state not in states]
    words = "; ".join(f"{p.name} is {p.state}" + (f" ({p.exit_reason})" if p.exit_reason else "") for p in late)
    return f"not {wanted} after {timeout:g} s: {words}"
