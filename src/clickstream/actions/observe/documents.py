"""A Frame as the JSON documents of `status`, `lag`, `lag --watch` and `lag --report`; and the list of its troubles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from clickstream.actions.observe.back_pressure import BackPressure
from clickstream.actions.observe.model import (
    DOWN,
    OFF,
    SILENT,
    STALLED,
    UP,
    Frame,
    PartitionRow,
    ProcessRow,
    ServiceRow,
)
from clickstream.domain.processes import ProcessState, Role

NO_WORKERS = {Role.SERVER, Role.FAULT}

TROUBLED = {ProcessState.FAILED, ProcessState.BACKOFF}


def troubles(frame: Frame) -> tuple[str, ...]:
    """What should work and does not, a sentence each; none: all is well, or nothing was started."""
    return tuple(_troubles(frame))


def _troubles(frame: Frame) -> Iterator[str]:
    for service in frame.services:
        if service.state is DOWN or (service.state is OFF and service.error != "off" and frame.configured):
            yield service.trouble
    for row in frame.processes:
        if row.state in TROUBLED:
            yield f"{row.label} {row.state}" + (f": {row.exit_reason}" if row.exit_reason else "")
        elif row.activity == SILENT and row.role not in NO_WORKERS:
            yield f"{row.label} is silent: {row.detail}"
    for partition in frame.partitions:
        if partition.state is STALLED:
            yield f"partition {partition.partition} is STALLED: {partition.lag:,} messages wait"


def status(frame: Frame) -> dict[str, Any]:
    """All at a glance. More keys may come, none will go.

    What the consumers count themselves, `duplicates` and `late`, is since the present life of each began.
    """
    counts, totals = frame.counts.value if frame.counts else None, frame.outcome_totals
    indexing = frame.indexing
    return {
        "ok": not troubles(frame),
        "troubles": troubles(frame),
        "home": frame.home,
        "embedded": frame.embedded,
        "addresses": dict(frame.addresses),
        "services": {row.name: service(row) for row in frame.services},
        "workers": [worker(row) for row in frame.processes if row.role not in NO_WORKERS],
        "topic": {"name": frame.topic, "partitions": frame.topic_partitions, "messages": frame.topic_messages},
        "lag": {
            "total": frame.lag,
            "partitions": {row.partition: row.lag for row in frame.partitions},
            "states": {row.partition: row.state for row in frame.partitions},
            "at": as_of(frame),
            "opensearch": indexing
            and {"total": indexing.total, "partitions": {one.partition: one.lag for one in indexing.partitions}},
        },
        "counts": {
            "events": counts and counts.events,
            "sessions": counts and counts.sessions,
            "active_sessions": frame.active_sessions,
            "rejected_events": counts and counts.rejected,
            "skipped_messages": counts and counts.skipped,
            "rejected_lines": counts and counts.rejected_lines,
            "replayed_rejects": counts and counts.replayed,
            "duplicates": totals and totals.duplicates,
            "late": totals and totals.late,
        },
        "obstacles": [msgspec.to_builtins(one) for one in frame.obstacles],
    }


def service(row: ServiceRow) -> dict[str, Any]:
    """One server. `ok` is null where it is switched off."""
    return {
        "ok": None if row.state is OFF and row.error == "off" else row.state is UP,
        "version": row.version,
        "latency_ms": row.latency_ms,
        "error": row.error or None,
        "aiven_state": row.aiven_state,
        "aiven_error": row.aiven_error,
    }


def worker(row: ProcessRow) -> dict[str, Any]:
    """One producer, consumer or indexer."""
    return {
        "name": row.name,
        "role": row.role,
        "host": row.host,
        "pid": row.pid,
        "state": row.state,
        "activity": row.activity,
        "detail": row.reason,
        "partitions": row.partitions,
        "events": row.events,
        "events_per_second": round(row.rate, 1),
        "lag": row.lag,
        "active_sessions": row.active_sessions,
        "restarts": row.restarts,
        "rss_bytes": row.rss_bytes,
        "uptime_seconds": round(row.uptime_seconds, 1),
        "counters": row.counters,
        "pace": row.pace,
        "local": row.local,
    }


def lag(frame: Frame) -> dict[str, Any]:
    """How far the consumers are behind. All figures are null where nothing is known."""
    return {
        "topic": frame.topic if frame.lag is not None else None,
        "total": frame.lag,
        "partitions": [partition(row) for row in frame.partitions],
        "read_per_second": _rounded(frame.read_per_second),
        "outcomes_per_second": frame.outcomes
        and {name: _rounded(rate) for name, rate in msgspec.to_builtins(frame.outcomes).items()},
        "at": as_of(frame),
        "opensearch": msgspec.to_builtins(frame.indexing) if frame.indexing else None,
        "obstacles": [msgspec.to_builtins(one) for one in frame.obstacles],
    }


def partition(row: PartitionRow) -> dict[str, Any]:
    """One partition. Rates are messages a second."""
    plain: dict[str, Any] = msgspec.to_builtins(row)
    return plain | {
        "rate_in": round(row.rate_in, 1),
        "rate_out": round(row.rate_out, 1),
        "seconds_to_drain": None if row.seconds_to_drain is None else round(row.seconds_to_drain, 1),
        "share": round(row.share, 4),
    }


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


def report(frame: Frame, pressure: tuple[BackPressure, ...]) -> dict[str, Any]:
    """The same with what each consumer's time goes to."""
    return lag(frame) | {"consumers": [msgspec.to_builtins(one) for one in pressure]}


def as_of(frame: Frame) -> float | None:
    """Unix seconds at which the offsets were true; None where none are known."""
    return min((row.as_of for row in frame.partitions), default=None)
