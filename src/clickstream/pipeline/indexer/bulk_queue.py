"""Batches on their way into OpenSearch: a short queue and the one thread that settles them, in order.

In order, since of events that differ only in transaction_id the first is to stay; and so that a checkpoint, which goes
through the same queue, secures all batches before it. Touches no partition.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.settler import Settled, Settler

DEPTH: Final = 2
"""Batches in hand: one that OpenSearch works on and one that waits for it. More costs memory and gains nothing."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Between two batches."""

    next_offsets: dict[int, int]
    """By partition: what is before this offset is in a batch before the checkpoint, or was secured already."""


class IndexQueue:
    """The batches and checkpoints in flight."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="settle")
        self._in_flight: deque[tuple[Documents | Checkpoint, Future[Settled | None]]] = deque()
        self._cancelled = threading.Event()

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return sum(isinstance(one, Documents) for one, _ in self._in_flight) >= DEPTH

    @property
    def securing(self) -> bool:
        """A checkpoint is in flight."""
        return any(isinstance(one, Checkpoint) for one, _ in self._in_flight)

    def submit(self, batch: Documents, topic: tuple[str, str]) -> None:
        """`topic`: name and id."""
        self._in_flight.append((batch, self._thread.submit(self._settler.settle, batch, topic, self._cancelled)))

    def secure(self, checkpoint: Checkpoint) -> None:
        """It is done when all batches before it are safe on the server's disk."""
        self._in_flight.append((checkpoint, self._thread.submit(self._settler.secure, self._cancelled)))

    def done(self, timeout: float = 0.0) -> Iterator[tuple[Documents | Checkpoint, Settled | None]]:
        """What is done, oldest first, with what became of a batch; waits up to `timeout` seconds for the first.

        Raises what the next one raised; that one is then no longer in flight.
        """
        if self._in_flight and timeout:
            wait([self._in_flight[0][1]], timeout)
        while self._in_flight and self._in_flight[0][1].done():
            one, future = self._in_flight.popleft()
            yield one, future.result()

    def abandon(self) -> None:
        """Give up what is in flight, once the server has answered to what it works on, and what is not secured."""
        self._cancelled.set()
        futures = [future for _, future in self._in_flight]
        for future in futures:
            future.cancel()
        wait(futures)
        self._in_flight.clear()
        self._cancelled.clear()
        self._settler.forget()

    def close(self) -> None:
        """Nothing may be in flight any more."""
        self._thread.shutdown()
        self._settler.close()
