"""What a worker says of itself once a second: one WorkerReport as a JSON line on its stdout."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from clickstream.domain.escapes import brief

LATENCY_EDGES_MS: Final = (
    *(5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 60_000, 300_000),
)
"""Upper edges of the latency histogram's buckets, in milliseconds; one more bucket holds what is beyond the last."""

STAGES: Final = ("fetch", "decode", "sessions", "postgresql", "idle")
"""What a consumer's time goes to. `postgresql` runs beside the others, on the thread that commits."""


class WorkerState(StrEnum):
    """What a worker does, in its own word."""

    RUNNING = "running"
    IDLE = "idle"
    """It has nothing to do."""
    PAUSED = "paused"
    WAITING = "waiting"
    """A server does not answer."""
    STOPPING = "stopping"
    DONE = "done"
    UNREADABLE = "unreadable"
    """It ends, as its file cannot be read; `detail` says why."""


class WorkerReport(msgspec.Struct, frozen=True):
    """A worker's figures at one instant."""

    at: float
    """Unix seconds."""
    state: str
    """A WorkerState; plain text, as a worker of another version may send another word."""
    detail: str = ""
    """Why it waits, or how far it is; a sentence for people."""
    partitions: tuple[int, ...] = ()
    events: int = 0
    """Since this life began: for a consumer messages taken and committed, for a producer messages acknowledged."""
    events_per_second: float = 0.0
    """Over the last second."""
    lag: int | None = None
    """Messages in Kafka behind this worker's partitions that it has not committed; None where it makes no sense."""
    active_sessions: int = 0
    """Sessions that could still grow in event time, in this worker's partitions."""
    counters: dict[str, int] = msgspec.field(default_factory=dict)
    """Totals since this life began: `stored`, `late` (of those stored), `duplicates`, `rejected`, `batches`, `failed`,
    `bad_lines`, ..."""
    latency_counts: tuple[int, ...] = ()
    """End-to-end latency (commit minus record timestamp), sampled: how many since this life began fell into each bucket
    of LATENCY_EDGES_MS."""
    latency_seconds: float = 0.0
    """The sum of those latencies."""
    stages: dict[str, float] = msgspec.field(default_factory=dict)
    """Share of the last second (0 to 1) that went to each of STAGES."""
    batch_fill: float = 0.0
    """Messages of an average batch of the last second over the most that a batch may hold (0 to 1)."""
    newest_event_ms: int | None = None
    """The newest event time seen, Unix milliseconds."""
    positions: dict[int, int] = msgspec.field(default_factory=dict)
    """Partition to the offset up to which everything is stored; a consumer's open partitions."""
    pace: str = ""
    """What a producer's sending follows: `500 events/s`, `5x realtime`, `full speed`."""
    first_message_at: float | None = None
    """When a consumer fetched its first message, Unix seconds."""
    last_commit_at: float | None = None
    """When it committed its last batch."""
    cpu_seconds: float = 0.0
    """CPU time of its process between those two."""


LONGEST_NAME: Final = 100
"""Characters of a name or a state that are kept."""

LONGEST_DETAIL: Final = 500
"""Characters of a report's detail: its line stays below PIPE_BUF, so that one write is never cut in two."""

_MOST_FIGURES: Final = 10_000
"""Entries of one field; far more partitions than a worker can have."""

_LARGEST: Final = 2**63 - 1
"""Of any figure: offsets have 64 bits."""


def checked(report: WorkerReport) -> WorkerReport:
    """A report that came from outside, fit to be reckoned with and shown: its texts are short, their controls escaped.

    Raises ValueError where a figure is none that a worker can have.
    """
    fields = (report.partitions, report.counters, report.latency_counts, report.stages, report.positions)
    if any(len(one) > _MOST_FIGURES for one in fields):
        raise ValueError("a report that long is none")
    check_figures(_figures(report))
    return replace(
        report,
        state=brief(report.state, LONGEST_NAME),
        detail=brief(report.detail, LONGEST_DETAIL),
        pace=brief(report.pace, LONGEST_NAME),
        counters={brief(name, LONGEST_NAME): count for name, count in report.counters.items()},
        stages={name: report.stages[name] for name in STAGES if name in report.stages},
    )


def check_figures(figures: Iterable[float | None]) -> None:
    """Raises ValueError where one of them is negative, no number, or beyond all bounds."""
    if not all(figure is None or 0 <= figure <= _LARGEST for figure in figures):
        raise ValueError("there are no such figures")


def _figures(report: WorkerReport) -> Iterable[float | None]:
    yield from (report.at, report.events, report.events_per_second, report.lag, report.active_sessions)
    yield from (report.batch_fill, report.newest_event_ms, report.latency_seconds)
    yield from report.partitions
    yield from report.counters.values()
    yield from report.latency_counts
    yield from report.stages.values()
    for partition, offset in report.positions.items():
        yield from (partition, offset)
