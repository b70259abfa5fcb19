"""One operating-system process: spawns it in its own session, reads its output, writes lines to it, signals it, and
reaps it with its whole group.

Decides nothing: when to start, stop or restart is its owner's business. Needs a running asyncio loop, and a call of
`reap` on every SIGCHLD.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import psutil

from clickstream.supervision.logs import LineSplitter

Lines = Callable[[list[bytes]], None]

CHUNK = 64 * 1024
READ_INTERVAL = 0.01
"""Seconds between two reads of one pipe. A child that floods it is slowed by the full pipe to CHUNK / READ_INTERVAL
bytes a second, and the supervisor stays free for everyone else."""
DRAIN_LIMIT = 1024 * 1024
"""The most bytes read after a process has ended; what its group left in the pipe is far less."""

POLL = 0.01

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Execution:
    """What to execute, and as whom."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    cwd: str
    uid: int | None
    gid: int | None
    stop_signal: int


class Process:
    """A child that was started. `pid` is also its process group and session."""

    def __init__(
        self, command: Execution, on_end: Callable[[Process], None], log: Lines, reports: Lines | None = None
    ) -> None:
        """Start it.

        Args:
            command: what to execute.
            on_end: called once, when it has been reaped and all it said was handed over.
            log: takes the lines of stderr, and of stdout too where `reports` is None.
            reports: takes the lines of stdout; given, the process can be told lines on its stdin.

        Raises:
            OSError: it cannot be executed.
        """
        self._stop_signal = command.stop_signal
        self._on_end = on_end
        self._popen = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL if reports is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if reports is None else subprocess.PIPE,
            bufsize=0,
            cwd=command.cwd,
            env=command.env,
            user=command.uid,
            group=command.gid,
            extra_groups=None if command.gid is None else [],
            start_new_session=True,
            preexec_fn=_die_with_supervisor(command.stop_signal),  # noqa: PLW1509 (the supervisor has no threads)
        )
        self.pid = self._popen.pid
        if self._popen.stdin is not None:
            os.set_blocking(self._popen.stdin.fileno(), False)
        self._measured = psutil.Process(self.pid)
        self._cpu_read: tuple[float, float] | None = None
        self.ended = False
        self.returncode = 0
        """As subprocess has it: negative for a signal. Means something once `ended`."""
        sinks = ((self._popen.stdout, reports or log), (self._popen.stderr, log))
        self._pipes = [_Pipe(stream, sink) for stream, sink in sinks if stream is not None]

    def tell(self, line: bytes) -> None:
        """Put a line of at most PIPE_BUF bytes into its stdin, whole or not at all.

        Raises:
            BlockingIOError: the pipe is full, since it does not read.
            OSError: it has closed its end, or never had one.
        """
        if self._popen.stdin is None or self._popen.stdin.closed:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        os.write(self._popen.stdin.fileno(), line)

    def ask_to_stop(self) -> None:
        if not self.ended:
            # Not by send_signal(), which would take the zombie of one that has just ended away from `reap`.
            os.kill(self.pid, self._stop_signal)

    def kill_group(self) -> None:
        """SIGKILL to the process and all that it started in its group."""
        if not self.ended:
            _kill_group(self.pid)

    def descendants(self) -> list[psutil.Process]:
        """Its children and theirs, those in other sessions included, which no signal to the group reaches."""
        return [] if self.ended else descendants(self._measured)

    def usage(self, *, children: bool = False) -> tuple[int, float]:
        """Resident bytes of the leader now, and CPU in per cent of one core since the last call.

        Args:
            children: count the CPU of its children too, for a server that works through them.
        """
        try:
            with self._measured.oneshot():
                rss = self._measured.memory_info().rss
                if not children:
                    return rss, self._measured.cpu_percent()
            return rss, self._cpu_of_all()
        except psutil.Error:
            return 0, 0.0

    def _cpu_of_all(self) -> float:
        seconds = 0.0
        for process in (self._measured, *self._measured.children()):
            with suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
        now = time.monotonic()
        before, self._cpu_read = self._cpu_read, (now, seconds)
        # A child that ended takes its seconds along.
        return max(0.0, 100 * (seconds - before[1]) / (now - before[0])) if before else 0.0

    def reap(self) -> None:
        """Take note of its end, if it has ended. What is left of its group is killed before its pid is given back."""
        if self.ended or not self._is_over():
            return
        _kill_group(self.pid)
        self.returncode = self._popen.wait()
        self.ended = True
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        try:
            for pipe in self._pipes:
                pipe.drain()
        finally:
            self._on_end(self)

    def _is_over(self) -> bool:
        if hasattr(os, "waitid"):  # leaves the zombie, so that no other process can get this pid yet
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return self._popen.poll() is not None


class _Pipe:
    """Reads one pipe in bounded steps and hands over its lines."""

    def __init__(self, stream: IO[bytes], sink: Lines) -> None:
        self._stream = stream
        self._splitter = LineSplitter()
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        os.set_blocking(stream.fileno(), False)
        self._resume()

    def _resume(self) -> None:
        if not self._stream.closed:
            self._loop.add_reader(self._stream.fileno(), self._readable)

    def _readable(self) -> None:
        self._loop.remove_reader(self._stream.fileno())
        chunk = self._read()
        if chunk == b"":
            self._finish()
        else:
            self._loop.call_later(READ_INTERVAL, self._resume)
            self._sink(self._splitter.feed(chunk or b""))

    def _read(self) -> bytes | None:
        """None: nothing there now. Empty: the other end is closed."""
        try:
            return os.read(self._stream.fileno(), CHUNK)
        except BlockingIOError:
            return None

    def drain(self) -> None:
        """Read what is there and close, although others may still hold the other end."""
        if self._stream.closed:
            return
        taken = 0
        while taken < DRAIN_LIMIT and (chunk := self._read()):
            taken += len(chunk)
            self._sink(self._splitter.feed(chunk))
        self._finish()

    def _finish(self) -> None:
        self._loop.remove_reader(self._stream.fileno())
        self._stream.close()
        self._sink(self._splitter.flush())


def descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def still_alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; a pid that was given to another process counts as ended, and so does a zombie."""
    alive = []
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


async def kill_all(processes: Sequence[psutil.Process], patience: float = 10.0) -> None:
    """SIGKILL to each that still lives, and wait until none does. Raises TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience):
        while processes := still_alive(processes):
            for process in processes:
                with suppress(psutil.Error):
                    process.kill()
            await asyncio.sleep(POLL)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError where all that is left are zombies
        os.killpg(group, signal.SIGKILL)


def _die_with_supervisor(stop_signal: int) -> Callable[[], None] | None:
    """Runs in the child just before exec, after the change of user (which would undo it): has the kernel send
    `stop_signal` when the supervisor dies. Elsewhere than on Linux the next supervisor's sweep must do."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    supervisor = os.getpid()

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the kernel was told
            os._exit(1)

    return in_child
