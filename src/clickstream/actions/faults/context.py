"""What a fault needs while it is injected: settings, the supervisor, and the receiver of its steps. Injects nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clickstream.actions.control import Control, running
from clickstream.actions.faults.catalogue import BURST, INDEXER, OPENSEARCH, WORKERS, Fault
from clickstream.actions.faults.timeline import Note, Step
from clickstream.actions.observe.model import INFO, Severity
from clickstream.actions.processes.workers import UNDER_WAY
from clickstream.actions.servers import in_the_stack
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot
from clickstream.services.kafka.raw import RawMessage

BACK_WITHIN = 120.0
"""Seconds in which what was broken must run again."""


@dataclass(slots=True)
class Context:
    """One injection."""

    settings: Settings
    """Those of now: a supervisor's end may bring others."""
    fault: Fault
    seconds: float
    """How long it lasts; 0 for one that is over at once."""
    note: Note
    tick: Callable[[], None] = lambda: None
    """Called about once a second while it waits; what it raises ends the waiting, and takes the fault back."""
    on: str = ""
    """The process that was asked for by name; empty: the one with the most to do."""
    dice: random.Random = field(default_factory=random.Random)
    sent: list[RawMessage] = field(default_factory=list)
    """What a burst sent; where it was cut short, what it was about to send."""

    @property
    def control(self) -> Control:
        """The supervisor. Raises ClickstreamError where none runs."""
        control = running(self.settings.home)
        if control is None:
            raise ClickstreamError(
                "nothing runs here: the supervisor is not running", hint="`clickstream stack up` and `consumer start`"
            )
        return control

    def add_step(self, what: str, detail: str = "", *, level: Severity = INFO, at: float | None = None) -> None:
        """A step of the time line."""
        self.note(Step(time.time() if at is None else at, what, detail, level))

    def add_note(self, what: str, detail: str = "") -> None:
        """Something to tell that is not a step of the time line."""
        self.note(Step(time.time(), what, detail, on_timeline=False))

    def victim(self) -> ProcessStatus:
        """The process that it is injected into.

        Raises:
            UsageError: there is none of that name or role that runs.
        """
        living = {
            process.name: process
            for process in self.control.snapshot().processes
            if process.state is ProcessState.RUNNING and process.pid is not None
        }
        target = self.fault.target
        if target not in WORKERS:
            fitting = [process for process in living.values() if process.name == target]
        else:
            fitting = [process for process in living.values() if process.role == target]
        if self.on:
            fitting = [process for process in fitting if process.name == self.on]
        if not fitting:
            raise UsageError(f"{self.fault.name}: no {self.on or target} is running", hint=_start_hint(target))
        return max(fitting, key=_load)


def check(context: Context) -> None:
    """Raise UsageError or ClickstreamError where the fault cannot be had, or could not be seen to be survived."""
    fault = context.fault
    if not context.settings.embedded:
        raise UsageError(
            "faults are for the embedded stack only, and these settings name servers of your own",
            hint="`clickstream config show` says where they come from",
        )
    if fault.unavailable:
        raise UsageError(f"{fault.name} cannot be had here: {fault.unavailable}")
    snapshot = context.control.snapshot()
    if not any(process.state in UNDER_WAY for process in snapshot.of(Role.CONSUMER)):
        raise UsageError("no consumer is running, so nothing could drain", hint="`clickstream consumer start`")
    if fault.target in {OPENSEARCH, INDEXER}:
        _check_search(context.settings, snapshot)
    if fault.kind != BURST and fault.target in WORKERS:
        context.victim()
    elif context.on:
        raise UsageError(f"{fault.name} strikes {fault.target}: there is nothing to choose", hint="leave out --on")


def _check_search(settings: Settings, snapshot: Snapshot) -> None:
    if snapshot.get(OPENSEARCH) is None or not in_the_stack(settings):
        raise UsageError("the embedded stack has no OpenSearch", hint="`clickstream stack up --opensearch` adds it")
    if not settings.opensearch.enabled:
        origin = settings.sources.get("OPENSEARCH_ENABLED", "default")
        raise UsageError(f"OPENSEARCH_ENABLED is false ({origin}), so the index could not be seen to be whole")
    if not any(process.state in UNDER_WAY for process in snapshot.of(Role.INDEXER)):
        raise UsageError("no indexer is running, so nothing would miss it", hint="`clickstream consumer start`")


def consumers(processes: Sequence[ProcessStatus]) -> list[ProcessStatus]:
    """Those of them that are consumers at work."""
    return [process for process in processes if process.role is Role.CONSUMER and process.state in UNDER_WAY]


def _load(process: ProcessStatus) -> tuple[bool, int, float, str]:
    report = process.report
    if report is None:
        return False, 0, 0.0, process.name
    return bool(report.partitions), report.lag or 0, report.events_per_second, process.name


def _start_hint(target: str) -> str:
    if target in WORKERS:
        return f"`clickstream {'consumer' if target == INDEXER else target} start`"
    return "`clickstream stack up`"
