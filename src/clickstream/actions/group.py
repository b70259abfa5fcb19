"""All workers that are known: this home's from its supervisor, other hosts' from the notice board."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clickstream.actions.control import running
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ALIVE, SETTLED, ProcessState, ProcessStatus, Role, Snapshot
from clickstream.domain.reports import WorkerReport

if TYPE_CHECKING:
    from clickstream.services.valkey.board import Post

UNDER_WAY = ALIVE | {ProcessState.BACKOFF}
"""States of a process that works, or will soon again."""

FORGOTTEN_WITHIN = 20.0
"""Seconds until the group has forgotten a consumer that was killed."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One producer or consumer, wherever it runs."""

    name: str
    role: str
    host: str
    pid: int | None
    state: str
    """The supervisor's word: `running`, `backoff`, `stopped`, ..."""
    activity: str
    """The worker's own word while it runs: `running`, `idle`, `waiting`, ..."""
    detail: str
    """Why it waits, or how its last life ended."""
    partitions: tuple[int, ...]
    events: int
    events_per_second: float
    lag: int | None
    active_sessions: int
    restarts: int
    rss_bytes: int
    uptime_seconds: float
    counters: dict[str, int]
    pace: str = ""
    """What a producer's sending follows: `500 events/s`, `5x realtime`, `full speed`."""
    local: bool = True
    """It belongs to this home's supervisor."""

    @property
    def under_way(self) -> bool:
        """It works, or will soon again."""
        return self.state not in SETTLED


def snapshot_of(settings: Settings) -> Snapshot | None:
    """What this home's supervisor knows; None where none runs (or it went away while it was asked)."""
    try:
        control = running(settings.home)
        return control.snapshot() if control else None
    except ClickstreamError:
        return None


def local_workers(snapshot: Snapshot | None) -> tuple[Worker, ...]:
    """The supervisor's workers, by name; servers and faults are none."""
    processes = snapshot.processes if snapshot else ()
    return tuple(
        _local(process)
        for process in sorted(processes, key=lambda process: process.name)
        if process.role not in {Role.SERVER, Role.FAULT}
    )


def remote_workers(settings: Settings, local: tuple[Worker, ...]) -> tuple[Worker, ...]:
    """Workers on the notice board that are not among `local`. Raises when the board cannot be read."""
    from clickstream.services.valkey.board import Board  # noqa: PLC0415
    from clickstream.services.valkey.connection import connect  # noqa: PLC0415

    if settings.valkey is None or settings.kafka is None:
        return ()
    here, ours = socket.gethostname(), {worker.pid for worker in local}

    def elsewhere(post: Post) -> bool:
        return post.host != here or (post.pid not in ours and _runs(post.pid))

    with connect(settings.valkey) as client:
        posts = Board(client, topic=settings.kafka.events_topic).read()
    return tuple(_remote(post) for post in posts if elsewhere(post))


def _runs(pid: int) -> bool:
    import psutil  # noqa: PLC0415 (slow to load, and seldom needed)

    return psutil.pid_exists(pid)


def refuse_while_working(settings: Settings) -> None:
    """Raise ClickstreamError when workers are under way that would fill again what is about to be emptied.

    Those of this home, those on the notice board, and whoever is a member of the consumers' group (where OpenSearch is
    enabled, of the indexers' too). A consumer that was killed is a member for some seconds still, and is waited for.
    """
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415

    local = local_workers(snapshot_of(settings))
    busy = [worker.name for worker in local if worker.under_way]
    with suppress(ClickstreamError):  # without Valkey nothing is known of other hosts, and the reset itself says so
        busy += [f"{worker.name} on {worker.host}" for worker in remote_workers(settings, local)]
    deadline = time.monotonic() + FORGOTTEN_WITHIN
    indexers = [settings.opensearch.consumer_group_id] if settings.opensearch.enabled else []
    for group in (settings.pipeline.consumer_group_id, *indexers):
        while not busy and settings.kafka and (members := group_members(settings.kafka, group)):
            if time.monotonic() > deadline:
                busy = [f"{member} (in group {group})" for member in members]
            time.sleep(0.2)
    if busy:
        raise ClickstreamError(
            f"workers are running: {', '.join(busy)}",
            hint="stop them first, where they run: `clickstream producer stop`, `clickstream consumer stop`",
        )


def _remote(post: Post) -> Worker:
    found = _worker(post.name, post.role, post.host, post.pid, report=post.report, started_at=post.started_at)
    return replace(found, local=False)


def _local(process: ProcessStatus) -> Worker:
    report = process.report if process.state in ALIVE or process.state is ProcessState.FINISHED else None
    # How one ended that was told to is no news.
    exit_reason = "" if process.state is ProcessState.STOPPED else process.exit_reason
    detail = report.detail if report and report.detail else exit_reason
    return _worker(
        process.name,
        process.role,
        socket.gethostname(),
        process.pid,
        report=report,
        started_at=process.started_at if process.state in ALIVE else None,
        state=process.state.value,
        rest=(detail, process.restarts, process.rss_bytes),
    )


def _worker(
    name: str,
    role: Role,
    host: str,
    pid: int | None,
    *,
    report: WorkerReport | None,
    started_at: float | None,
    state: str = ProcessState.RUNNING.value,
    rest: tuple[str, int, int] | None = None,
) -> Worker:
    detail, restarts, rss = rest or (report.detail if report else "", 0, 0)
    return Worker(
        name=name,
        role=role.value,
        host=host,
        pid=pid,
        state=state,
        activity=report.state if report and state == ProcessState.RUNNING else "",
        detail=detail,
        partitions=report.partitions if report else (),
        events=report.events if report else 0,
        events_per_second=round(report.events_per_second, 1) if report and state in ALIVE else 0.0,
        lag=report.lag if report else None,
        active_sessions=report.active_sessions if report else 0,
        restarts=restarts,
        rss_bytes=rss,
        uptime_seconds=round(max(0.0, time.time() - started_at), 1) if started_at else 0.0,
        counters=dict(report.counters) if report else {},
        pace=report.pace if report else "",
    )
