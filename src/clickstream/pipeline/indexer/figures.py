"""What an indexer tells of itself: totals of what it has settled, and the report made of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from clickstream.domain.errors import ClickstreamError
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.settler import Settled
from clickstream.pipeline.process.loop import Rate


class Figures:
    """Totals since this life began."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        """`duplicates` counts what was sent again after a fault, too; `undecodable` what the consumers keep."""
        self._rate = Rate()
        self._first_message_at: float | None = None
        self._last_settled_at: float | None = None
        self._cpu_at_first = self._cpu_seconds = 0.0

    def fetched(self) -> None:
        """Messages have come."""
        if self._first_message_at is None:
            self._first_message_at, self._cpu_at_first = time.time(), time.process_time()

    def settled(self, batch: Documents, outcome: Settled) -> None:
        self._last_settled_at, self._cpu_seconds = time.time(), time.process_time() - self._cpu_at_first
        self.counters.update(
            messages=batch.read,
            stored=outcome.created,
            duplicates=outcome.duplicates,
            rejected=outcome.refused,
            undecodable=batch.read - len(batch.lines),
            again=outcome.again,
            batches=1,
        )

    def report(
        self,
        trouble: ClickstreamError | None,
        partitions: set[int],
        positions: Mapping[int, int],
        lag: int | None,
        *,
        stopping: bool,
    ) -> WorkerReport:
        messages = self.counters["messages"]
        rate = self._rate.read(messages)
        return WorkerReport(
            at=time.time(),
            state="stopping" if stopping else "waiting" if trouble else "running" if rate else "idle",
            detail=str(trouble) if trouble else "",
            partitions=tuple(sorted(partitions)),
            events=messages,
            events_per_second=rate,
            lag=lag,
            counters=dict(self.counters),
            positions=dict(positions),
            first_message_at=self._first_message_at,
            last_commit_at=self._last_settled_at,
            cpu_seconds=round(self._cpu_seconds, 3),
        )
