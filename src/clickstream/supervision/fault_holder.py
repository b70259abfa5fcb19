"""Holds a fault for a while and reverts it, as a process of the supervisor:
`python -m clickstream.supervision.fault_holder`.

The fault ends when its time is over, when this process is asked to stop, or when the supervisor is gone; it does not
depend on the process that asked for it, which may die meanwhile. If this process is killed, it is started again; after
the fault's time it only reverts.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import psutil

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import FINAL_STATES, Snapshot
from clickstream.supervision.client import SupervisorClient, connect
from clickstream.supervision.process import PR_SET_PDEATHSIG

INJECTED = "injected"
"""The first word of the line that says so."""

NEW_LIFE_EVERY, AGAIN_EVERY = 0.01, 0.2
"""Seconds between two looks whether a server whose disk is full was started again, or has new children."""


class FaultDuration:
    """How long the fault lasts."""

    def __init__(self, seconds: float, latest: float) -> None:
        """Args:
        seconds: counted from `begin` on.
        latest: when it is over whatever happened, on the monotonic clock, which all processes of a machine share.
        """
        self._seconds = seconds
        self._until = latest
        self._end_read, self._end_write = os.pipe()
        self._ended = False

    def begin(self) -> None:
        """It was injected."""
        self._until = min(self._until, time.monotonic() + self._seconds)

    def end(self, *_: object) -> None:
        """Now. From any thread, or from a signal."""
        os.write(self._end_write, b".")

    def wait(self, within: float = float("inf")) -> bool:
        """Wait for the end, `within` seconds at most; whether it has come."""
        left = self._until - time.monotonic()
        if not self._ended:
            self._ended = bool(select.select([self._end_read], [], [], max(0.0, min(left, within)))[0])
        return self._ended or time.monotonic() >= self._until


class HeldProcess:
    """The process that the fault is injected into, followed through its restarts."""

    def __init__(self, client: SupervisorClient, name: str, gone: Callable[[], None]) -> None:
        """`gone` is called when the supervisor is. Raises ClickstreamError where the process does not run."""
        self._name = name
        self._gone = gone
        self._snapshots = client.watch()
        pid = self._pid(next(self._snapshots))
        if pid is None:
            raise ClickstreamError(f"{name} does not run")
        self.first = pid
        self.pid: int | None = pid
        threading.Thread(target=self._follow, name="follow", daemon=True).start()

    def family(self) -> list[psutil.Process]:
        """The process as it lives now, and all its descendants; itself first, or it would have more of them."""
        if self.pid is None:
            return []
        try:
            leader = psutil.Process(self.pid)
            return [leader, *leader.children(recursive=True)]
        except psutil.Error:
            return []

    def _pid(self, snapshot: Snapshot) -> int | None:
        process = snapshot.get(self._name)
        return process.pid if process else None

    def _follow(self) -> None:
        with suppress(ClickstreamError):
            for snapshot in self._snapshots:
                self.pid = self._pid(snapshot)
        self._gone()


@contextmanager
def frozen(target: HeldProcess, duration: FaultDuration) -> Iterator[None]:
    """SIGSTOP to the process and its children, then SIGCONT: it hangs, as on a machine that swaps."""
    held = set(target.family())
    try:
        for _ in range(0 if duration.wait(0) else 2):  # once it stands still, it has no more children
            for process in target.family():
                held.add(process)
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGSTOP)
        yield
    finally:
        for process in held:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)


@contextmanager
def disk_full(target: HeldProcess, duration: FaultDuration) -> Iterator[None]:
    """No process of the server's may write to a file: each try fails with EFBIG, as it would with ENOSPC."""
    limited: set[psutil.Process] = set()

    def limit() -> None:
        for process in target.family():
            with suppress(psutil.Error):
                process.rlimit(psutil.RLIMIT_FSIZE, (0, process.rlimit(psutil.RLIMIT_FSIZE)[1]))
                limited.add(process)

    def keep() -> None:
        limited_pid, limited_at = target.pid, time.monotonic()
        while not duration.wait(NEW_LIFE_EVERY):
            if target.pid != limited_pid or time.monotonic() - limited_at > AGAIN_EVERY:
                limited_pid, limited_at = target.pid, time.monotonic()
                limit()

    try:
        if not duration.wait(0):
            limit()
        keeper = threading.Thread(target=keep, name="keep", daemon=True)
        keeper.start()
        yield
        keeper.join()
    finally:
        for process in (*target.family(), *limited, *target.family()):
            with suppress(psutil.Error):
                hard = process.rlimit(psutil.RLIMIT_FSIZE)[1]
                process.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def stopped(client: SupervisorClient, name: str, duration: FaultDuration, *, kill: bool) -> Iterator[None]:
    """Stopped by its supervisor, then started again as it was."""
    try:
        if not duration.wait(0):
            client.stop([name], kill=kill)
        yield
    finally:
        with suppress(ClickstreamError):  # everything ends
            process = client.snapshot().get(name)
            if process is not None and process.state in FINAL_STATES:
                client.restart([name])


def become_owner(pid: int) -> None:
    """Be this process's user for good: limits of another user's processes may not be changed, not by all of root."""
    process = psutil.Process(pid)
    uid, gid = process.uids().real, process.gids().real
    if uid == os.getuid():
        return
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if sys.platform == "linux":  # undone by the change of user
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def main() -> int:
    args = _parser().parse_args()
    duration = FaultDuration(args.seconds, args.latest)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, duration.end)
    client = connect(Home.from_environment())
    if client is None:
        return 1
    with _fault(args, client, duration):
        duration.begin()
        _say(f"{INJECTED} {args.name}")
        while not duration.wait():
            pass
    _say(f"{args.name} is let go")
    return 0


def _fault(args: argparse.Namespace, client: SupervisorClient, duration: FaultDuration) -> AbstractContextManager[None]:
    if args.fault == "stop":
        return stopped(client, args.name, duration, kill=args.kill)
    target = HeldProcess(client, args.name, duration.end)
    if args.fault == "freeze":
        return frozen(target, duration)
    become_owner(target.first)
    return disk_full(target, duration)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("fault", choices=("freeze", "fill-disk", "stop"))
    parser.add_argument("name", help="whom it befalls, as the supervisor calls it")
    parser.add_argument("--seconds", type=float, required=True, help="how long")
    parser.add_argument("--latest", type=float, required=True, help="the end in any case, on the monotonic clock")
    parser.add_argument("--kill", action="store_true", help="stop: with SIGKILL")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
