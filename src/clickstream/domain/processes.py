"""Processes as the supervisor is asked to run them and reports them: specs, states, policies, snapshots.

Everything here is plain data that travels as JSON over the supervisor's socket.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from clickstream.domain.reports import WorkerReport


class Role(StrEnum):
    """What a process is for. They stop by role: faults and producers, then indexers and consumers, servers last."""

    SERVER = "server"
    CONSUMER = "consumer"
    PRODUCER = "producer"
    INDEXER = "indexer"
    FAULT = "fault"
    """Holds a fault, and reverts it when it ends."""


class ProcessState(StrEnum):
    """Where a process stands in its life."""

    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    """Died; will be started again after a delay."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    """Ended by itself with exit code 0, its work done."""
    FAILED = "failed"
    """Given up: it needs a human."""


ALIVE = frozenset({ProcessState.STARTING, ProcessState.RUNNING, ProcessState.STOPPING})
FINAL_STATES = frozenset({ProcessState.STOPPED, ProcessState.FINISHED, ProcessState.FAILED})
"""A process in one of these does not move by itself any more."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a process that died is started again."""

    first_delay: float = 0.2
    """Seconds before the first restart; doubles with each quick death, with jitter."""
    max_delay: float = 10.0
    healthy_after: float = 20.0
    """A life of that many seconds counts as healthy and resets the delay and the count of quick deaths."""
    give_up_after: int = 8
    """Quick deaths in a row after which the process is FAILED."""
    final_exit_codes: tuple[int, ...] = (2, 3, 4)
    """Exit codes that a restart does not change (wrong settings; an offset that needs a human; a data file that cannot
    be read): FAILED at once."""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A command that makes a folder once, before the process first starts. It works in `staging`, which is
    renamed to `makes` when it succeeded: a step that was cut leaves nothing half-made."""

    argv: tuple[str, ...]
    staging: str
    makes: str
    env: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to run one process."""

    name: str
    """Unique in one supervisor: `kafka`, `consumer-0`, `producer`."""
    role: Role
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict, repr=False)
    """Added to the supervisor's own environment. May hold secrets, so it is never shown or written down."""
    cwd: str | None = None
    uid: int | None = None
    """User and group to run as, where the supervisor is root and the program refuses to be."""
    gid: int | None = None
    ready_pattern: str | None = None
    """Regular expression for the log line that says READY. None: a process that reports is ready with its first
    report, any other as soon as it runs."""
    ready_timeout: float = 60.0
    """Seconds to become ready, else it is killed and counts as a death."""
    reports: bool = False
    """True: stdout carries WorkerReport lines (JSON), stderr the log, and stdin what it is told. False: stdout and
    stderr are log, stdin is empty."""
    forks: bool = False
    """True: it works through child processes, whose CPU counts as its own."""
    setup: tuple[SetupStep, ...] = ()
    restart: RestartPolicy = RestartPolicy()
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 20.0
    """Seconds between the stop signal and SIGKILL to the process group."""


def is_benchmarks(name: str) -> bool:
    """Whether a process of that name is a benchmark's worker: it reads a topic of its own."""
    return name.startswith("benchmark-")


class ProcessStatus(msgspec.Struct, frozen=True):
    """One process as the supervisor sees it now."""

    name: str
    role: Role
    state: ProcessState
    pid: int | None = None
    started_at: float | None = None
    """Unix seconds of the present (or last) life's start."""
    restarts: int = 0
    exit_reason: str = ""
    """How the last life ended (`exit code 1: last log line`, `killed by SIGKILL`); empty if it never ended."""
    rss_bytes: int = 0
    cpu_percent: float = 0.0
    report: WorkerReport | None = None
    last_lines: tuple[str, ...] = ()
    """The end of its log, where it has FAILED."""


class Snapshot(msgspec.Struct, frozen=True):
    """Everything the supervisor knows at one instant."""

    at: float
    """Unix seconds."""
    supervisor_pid: int
    processes: tuple[ProcessStatus, ...]

    def get(self, name: str) -> ProcessStatus | None:
        return next((process for process in self.processes if process.name == name), None)

    def of(self, role: Role) -> tuple[ProcessStatus, ...]:
        return tuple(process for process in self.processes if process.role is role)
