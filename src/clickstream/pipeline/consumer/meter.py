"""Measures a consumer: totals, end-to-end latency, and how it spends its time. Pure but for the clock."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from clickstream.domain.reports import LATENCY_EDGES_MS, STAGES
from clickstream.pipeline.consumer.batch import PreparedBatch, StoredBatch
from clickstream.pipeline.group.sink import Totals

_EDGES: Final = np.array(LATENCY_EDGES_MS)


class Meter(Totals):
    """Counts what was stored and times the stages. `shares` and `fill` look at the time since they were last read."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.newest_event_ms: int | None = None
        self._batch_size = batch_size
        self._latency = np.zeros(len(_EDGES) + 1, np.int64)
        self.latency_seconds = 0.0
        self._seconds: Counter[str] = Counter()
        self._read_at = time.monotonic()
        self._filled: list[int] = []

    def fetched(self, seconds: float, *, some: bool) -> None:
        super().fetched(seconds, some=some)
        self._spent("fetch" if some else "idle", seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time spent inside belongs to this stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._spent(name, time.perf_counter() - started)

    def _spent(self, name: str, seconds: float) -> None:
        self._seconds[name] += seconds  # type: ignore[assignment]  # a Counter counts in seconds just as well

    def stored(self, batch: PreparedBatch, stored: StoredBatch) -> None:
        """A batch is in PostgreSQL."""
        self._spent("postgresql", stored.seconds)
        self.add(
            stored.at,
            messages=batch.messages,
            stored=len(batch.write.events),
            duplicates=batch.duplicates,
            rejected=len(batch.write.rejected),
            late=batch.late,
        )
        latency = stored.at * 1000 - batch.sent_ms
        self._latency += np.bincount(np.searchsorted(_EDGES, latency), minlength=len(self._latency))
        # Clocks of two hosts may differ; a sum that falls would be taken for a restart.
        self.latency_seconds += float(np.maximum(latency, 0).sum()) / 1000
        self._filled.append(batch.messages)
        if batch.write.newest_ms is not None:
            self.newest_event_ms = max(self.newest_event_ms or 0, batch.write.newest_ms)

    @property
    def latency_counts(self) -> tuple[int, ...]:
        return tuple(self._latency.tolist())

    def shares(self) -> dict[str, float]:
        """Share of the time since the last reading that each stage took."""
        now = time.monotonic()
        elapsed = max(now - self._read_at, 1e-3)
        shares = {name: round(min(1.0, self._seconds[name] / elapsed), 3) for name in STAGES}
        self._read_at = now
        self._seconds.clear()
        return shares

    def fill(self) -> float:
        """How full the batches since the last reading were, on average."""
        filled, self._filled = self._filled, []
        return round(sum(filled) / len(filled) / self._batch_size, 3) if filled else 0.0
