"""The processes of a frame: this home's from the supervisor's snapshot, others' from their heartbeats. Pure."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from clickstream.actions.observe.model import SILENT, ProcessRow
from clickstream.actions.observe.outcomes import Life
from clickstream.domain.processes import ALIVE, ProcessState, ProcessStatus, Role, Snapshot, is_benchmarks

if TYPE_CHECKING:
    from clickstream.actions.observe.answers import Answers
    from clickstream.services.valkey.heartbeats import Heartbeat

KEPT = 300
"""Seconds of each process's rate."""

SILENT_AFTER = 4.0
"""Seconds without a report after which a running worker's figures count no more; it reports once a second."""

ORDER = {Role.SERVER: 0, Role.PRODUCER: 1, Role.CONSUMER: 2, Role.INDEXER: 3, Role.FAULT: 4}

Rates = dict[str, deque[float]]


def process_rows(answers: Answers, rates: Rates, now: float, *, tick: bool) -> tuple[ProcessRow, ...]:
    """Servers, producer, consumers of this home by name, then workers elsewhere. `tick`: add to `rates`."""
    local = local_rows(answers.snapshot, rates, answers.snapshot_at or now, tick=tick)
    elsewhere = heartbeats_elsewhere(_fresh_heartbeats(answers), {row.pid for row in local})
    return _one_owner_each((*local, *(_remote(heartbeat, rates, now, tick=tick) for heartbeat in elsewhere)))


def consumer_lives(answers: Answers) -> dict[str, Life]:
    """The present life of each consumer that has reported; where none runs, the last lives of this home's."""
    # A benchmark's consumers read another topic.
    here = (
        [one for one in answers.snapshot.of(Role.CONSUMER) if not is_benchmarks(one.name)] if answers.snapshot else []
    )
    running = [one for one in here if one.state in ALIVE]
    heartbeats = heartbeats_elsewhere(_fresh_heartbeats(answers), {one.pid for one in running})
    elsewhere = [one for one in heartbeats if one.role is Role.CONSUMER and not is_benchmarks(one.name)]
    known = running if running or elsewhere else here
    reported = [(socket.gethostname(), one.name, one.started_at or 0.0, one.report) for one in known]
    reported += [(one.host, one.name, one.started_at, one.report) for one in elsewhere]
    return {
        f"{host} {name} {began}": Life(began, report.at, report.counters)
        for host, name, began, report in reported
        if report
    }


def _fresh_heartbeats(answers: Answers) -> tuple[Heartbeat, ...]:
    """None while Valkey does not answer: what it said last is old. In Valkey they expire within ten seconds."""
    valkey = answers.valkey
    return valkey.value.heartbeats if valkey.value and not valkey.error and not valkey.skipped else ()


def local_rows(
    snapshot: Snapshot | None, rates: Rates | None = None, now: float | None = None, *, tick: bool = False
) -> tuple[ProcessRow, ...]:
    """This home's processes, by role and name, out of what its supervisor knows; None where none runs."""
    processes = snapshot.processes if snapshot else ()
    shown = [process for process in processes if process.role is not Role.FAULT or process.state in ALIVE]
    ordered = sorted(shown, key=lambda process: (ORDER[process.role], _natural(process.name)))
    at = time.time() if now is None else now
    return tuple(_local(process, {} if rates is None else rates, at, tick=tick) for process in ordered)


def heartbeats_elsewhere(heartbeats: tuple[Heartbeat, ...], local_pids: set[int | None]) -> tuple[Heartbeat, ...]:
    """Heartbeats of workers that this home's supervisor does not have, and that still live as far as can be seen."""
    here = socket.gethostname()
    return tuple(
        heartbeat
        for heartbeat in heartbeats
        if heartbeat.host != here or (heartbeat.pid not in local_pids and _lives(heartbeat.pid))
    )


def _lives(pid: int) -> bool:
    import psutil  # noqa: PLC0415 (slow to load, and only needed for another home's worker on this machine)

    return psutil.pid_exists(pid)


def owners_of(rows: Iterable[ProcessRow], role: Role) -> dict[int, ProcessRow]:
    """Partition to the worker of that role that has it; of one that is silent and another, the other."""
    of_the_role = sorted((row for row in rows if row.role == role), key=lambda row: row.activity != SILENT)
    return {partition: row for row in of_the_role for partition in row.partitions}


def _one_owner_each(rows: tuple[ProcessRow, ...]) -> tuple[ProcessRow, ...]:
    """What a silent worker had when it last said something, and another has now, is the other's."""
    owners = {role: owners_of(rows, role) for role in (Role.CONSUMER, Role.INDEXER)}
    return tuple(
        replace(row, partitions=tuple(p for p in row.partitions if owners[row.role][p] is row))
        if row.partitions and row.role in owners
        else row
        for row in rows
    )


def _local(process: ProcessStatus, rates: Rates, now: float, *, tick: bool) -> ProcessRow:
    alive = process.state in ALIVE
    report = process.report if alive or process.state is ProcessState.FINISHED else None
    running = process.state is ProcessState.RUNNING
    silent = now - report.at if report and running and now - report.at > SILENT_AFTER else 0.0
    rate = report.events_per_second if report and alive and not silent else 0.0
    activity = report.state if report and running else ""
    return ProcessRow(
        name=process.name,
        role=process.role,
        host=socket.gethostname(),
        local=True,
        pid=process.pid if alive else None,
        state=process.state,
        activity=SILENT if silent else activity,
        detail=f"no report for {silent:.0f} s" if silent else report.detail if report else "",
        partitions=report.partitions if report and alive else (),
        rate=rate,
        rates=_remembered(rates, process.name, rate, tick=tick),
        lag=report.lag if report and alive else None,
        cpu_percent=process.cpu_percent if alive else 0.0,
        rss_bytes=process.rss_bytes if alive else 0,
        restarts=process.restarts,
        uptime_seconds=max(0.0, now - process.started_at) if alive and process.started_at else 0.0,
        exit_reason=process.exit_reason,
        report=report,
    )


def _remote(heartbeat: Heartbeat, rates: Rates, now: float, *, tick: bool) -> ProcessRow:
    report = heartbeat.report
    return ProcessRow(
        name=heartbeat.name,
        role=heartbeat.role,
        host=heartbeat.host,
        local=False,
        pid=heartbeat.pid,
        state=ProcessState.RUNNING,
        activity=report.state,
        detail=report.detail,
        partitions=report.partitions,
        rate=report.events_per_second,
        rates=_remembered(rates, f"{heartbeat.host}:{heartbeat.name}", report.events_per_second, tick=tick),
        lag=report.lag,
        uptime_seconds=max(0.0, now - heartbeat.started_at),
        report=report,
    )


def _remembered(rates: Rates, key: str, rate: float, *, tick: bool) -> tuple[float, ...]:
    kept = rates.setdefault(key, deque(maxlen=KEPT))
    if tick:
        kept.append(rate)
    return tuple(kept)


def _natural(name: str) -> tuple[str, int]:
    """consumer-10 comes after consumer-9."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdigit() else (name, -1)
