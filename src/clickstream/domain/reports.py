"""What a worker says of itself once a second: one WorkerReport as a JSON line on its stdout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LATENCY_EDGES_MS: Final = (
    *(5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 60_000, 300_000),
)
"""Upper edges of the latency histogram's buckets, in milliseconds; one more bucket holds what is beyond the last."""

STAGES: Final = ("fetch", "decode", "sessions", "postgresql", "idle")
"""What a consumer's time goes to. `postgresql` runs beside the others, on the thread that commits."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker's figures at one instant."""

    at: float
    """Unix seconds."""
    state: str
    """`running`, `idle` (nothing to do), `paused`, `waiting` (a server does not answer), `stopping`, `done`."""
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
    counters: dict[str, int] = field(default_factory=dict)
    """Totals since this life began: `stored`, `duplicates`, `rejected`, `batches`, `failed`, `bad_lines`, ..."""
    latency_counts: tuple[int, ...] = ()
    """End-to-end latency (commit minus record timestamp), sampled: how many since this life began fell into each bucket
    of LATENCY_EDGES_MS."""
    stages: dict[str, float] = field(default_factory=dict)
    """Share of the last second (0 to 1) that went to each of STAGES."""
    batch_fill: float = 0.0
    """Messages of an average batch of the last second over the most that a batch may hold (0 to 1)."""
    newest_event_ms: int | None = None
    """The newest event time seen, Unix milliseconds."""
    positions: dict[int, int] = field(default_factory=dict)
    """Partition to the offset up to which everything is stored; a consumer's open partitions."""
    pace: str = ""
    """What a producer's sending follows: `500 events/s`, `5x realtime`, `full speed`."""
    first_message_at: float | None = None
    """When a consumer fetched its first message, Unix seconds."""
    last_commit_at: float | None = None
    """When it committed its last batch."""
    cpu_seconds: float = 0.0
    """CPU time of its process between those two."""
