"""Batches on their way into OpenSearch: a short queue and the one thread that settles them, in order.

In order, since of events that differ only in transaction_id the first is to stay. Touches no partition.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from clickstream.pipeline.index_documents import Documents
from clickstream.pipeline.index_settle import Settled, Settler

DEPTH: Final = 2
"""Batches in hand: one that OpenSearch works on and one that waits for it. More costs memory and gains nothing."""


class IndexQueue:
    """The batches in flight."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="settle")
        self._in_flight: deque[tuple[Documents, Future[Settled]]] = deque()
        self._cancelled = threading.Event()

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= DEPTH

    def submit(self, batch: Documents, topic: tuple[str, str]) -> None:
        """`topic`: name and id."""
        future = self._thread.submit(self._settler.settle, batch, topic, self._cancelled)
        self._in_flight.append((batch, future))

    def done(self, timeout: float = 0.0) -> Iterator[tuple[Documents, Settled]]:
        """The batches that are settled, oldest first; waits up to `timeout` seconds for the first.

        Raises what the settling of the next batch raised; that batch is then no longer in flight.
        """
        if self._in_flight and timeout:
            wait([self._in_flight[0][1]], timeout)
        while self._in_flight and self._in_flight[0][1].done():
            batch, future = self._in_flight.popleft()
            yield batch, future.result()

    def abandon(self) -> None:
        """Give up the batches in flight, once the server has answered to what it works on."""
        self._cancelled.set()
        futures = [future for _, future in self._in_flight]
        for future in futures:
            future.cancel()
        wait(futures)
        self._in_flight.clear()
        self._cancelled.clear()

    def close(self) -> None:
        """Nothing may be in flight any more."""
        self._thread.shutdown()
        self._settler.close()
