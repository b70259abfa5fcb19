"""What a worker says of itself once a second: one WorkerReport as a JSON line on its stdout."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker's figures at one instant."""

    at: float
    """Unix seconds."""
    state: str
    """`running`, `idle` (nothing to do), `waiting` (a server does not answer), `stopping`, `done`."""
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
    """Totals since this life began: `stored`, `duplicates`, `rejected`, `batches`, `failed`, `bad_lines`, `total`, ..."""
