"""The processes of one home's supervisor: starting, stopping in order, and telling watchers of changes.

Owns no socket and no lock. Everything happens on one asyncio loop, so that no step is seen half-done.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Iterable, Sequence

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessSpec, ProcessState, Snapshot
from clickstream.supervision.managed import STOP_RANK, Managed
from clickstream.supervision.sweep import Ledger

log = logging.getLogger(__name__)

SAMPLE_INTERVAL = 1.0

LONGEST_LINE = 512
"""Bytes that a worker can be told at once, the line end included. Not more than PIPE_BUF on any system: a pipe takes
such a line whole or not at all."""

OWN_LOG = "supervisor"
"""This name's log file is the supervisor's own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


class Supervisor:
    """The processes of one home by name."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ledger = Ledger(home.processes)
        self._managed: dict[str, Managed] = {}
        self._closing = False
        self._changed = asyncio.Event()

    def snapshot(self) -> Snapshot:
        statuses = tuple(managed.status() for managed in self._managed.values())
        return Snapshot(at=time.time(), supervisor_pid=os.getpid(), processes=statuses)

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """A snapshot now, then one on every change and every second; a slow reader gets fewer, never old ones."""
        while True:
            changed = self._changed  # taken before the snapshot: a change in between is not missed
            yield self.snapshot()
            await changed.wait()

    async def start(self, specs: Sequence[ProcessSpec]) -> None:
        """See Control.start."""
        for spec in specs:
            _check(spec)
        for spec in specs:
            await self._start(spec)

    async def stop(self, names: Iterable[str], *, kill: bool = False) -> None:
        """See Control.stop."""
        chosen = [managed for name in set(names) if (managed := self._managed.get(name)) and not managed.in_final_state]
        for rank in sorted(set(STOP_RANK.values())):
            alike = [managed for managed in chosen if STOP_RANK[managed.spec.role] == rank]
            await asyncio.gather(*(managed.stop(kill=kill) for managed in alike))

    async def restart(self, names: Sequence[str]) -> None:
        """See Control.restart."""
        self._require(names)
        specs = [self._managed[name].spec for name in names]
        await self.stop(names)
        for spec in sorted(specs, key=lambda spec: -STOP_RANK[spec.role]):
            await self._start(spec)

    def remove(self, names: Sequence[str]) -> None:
        """See Control.remove."""
        alive = [name for name in names if name in self._managed and not self._managed[name].in_final_state]
        if alive:
            raise UsageError(f"{', '.join(alive)} cannot be forgotten while running", hint="stop it first")
        for name in names:
            self._managed.pop(name, None)
        self._tell()

    def tell(self, name: str, line: str) -> None:
        """See Control.tell."""
        self._require([name])
        data = line.encode() + b"\n"
        if b"\n" in data[:-1] or len(data) > LONGEST_LINE:
            raise UsageError(f"what {name} is told must be one line of less than {LONGEST_LINE} bytes")
        self._managed[name].tell(data)

    async def shutdown(self) -> None:
        """Stop everything for good, dependants first."""
        self._closing = True
        await self.stop(self._managed)

    def reap(self) -> None:
        """Take note of children that have ended. To be called on SIGCHLD."""
        for managed in self._managed.values():
            try:
                managed.reap()
            except Exception:
                log.exception("%s: fault at its end", managed.spec.name)

    async def tick(self) -> None:
        """Measure the processes once a second, until cancelled."""
        while True:
            await asyncio.sleep(SAMPLE_INTERVAL)
            try:
                self.reap()  # a lost SIGCHLD costs a second only
                for managed in self._managed.values():
                    managed.sample()
            except Exception:
                log.exception("fault while measuring")
            self._tell()

    async def _start(self, spec: ProcessSpec) -> None:
        present = self._managed.get(spec.name)
        if present is not None and present.state in {ProcessState.STOPPING, ProcessState.BACKOFF}:
            await present.stop(kill=False)
            present = self._managed.get(spec.name)  # another client may have been quicker
        if self._closing:
            raise ClickstreamError("the supervisor is shutting down", hint="try again in a moment")
        if present is None or present.in_final_state:
            self._managed[spec.name] = Managed(spec, self._home, self._ledger, self._tell)
            self._tell()

    def _require(self, names: Iterable[str]) -> None:
        if unknown := sorted(set(names) - self._managed.keys()):
            raise UsageError(f"no such process: {', '.join(unknown)}")

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _check(spec: ProcessSpec) -> None:
    if not _NAME.fullmatch(spec.name) or spec.name == OWN_LOG:
        raise UsageError(f"{spec.name!r} cannot be a process's name")
    if not spec.argv:
        raise UsageError(f"{spec.name}: nothing to execute")
    try:
        re.compile(spec.ready_pattern or "")
    except re.error as error:
        raise UsageError(f"{spec.name}: ready_pattern is not a regular expression: {error}") from error
