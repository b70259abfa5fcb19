"""Batches on their way into PostgreSQL: a short queue and the one thread that commits them, in order.

Touches no partition: what became of each batch is for the caller to collect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from clickstream.pipeline.partition import Prepared
from clickstream.services.postgres.store import Store

DEPTH: Final = 2
"""Batches in hand: one that PostgreSQL works on and one that waits for it. More costs memory and gains nothing."""


class Commits:
    """The batches in flight. A batch that fails makes those of its partition behind it fail too (the offset)."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._in_flight: deque[tuple[Prepared, Future[int]]] = deque()

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= DEPTH

    def submit(self, store: Store, batch: Prepared) -> None:
        self._in_flight.append((batch, self._thread.submit(store.commit, batch.write)))

    def done(self, timeout: float = 0.0) -> Iterator[tuple[Prepared, int]]:
        """The batches that are stored, oldest first, with their stamps; waits up to `timeout` seconds for the first.

        Raises what the commit of the next batch raised; that batch is then no longer in flight.
        """
        if self._in_flight and timeout:
            wait([self._in_flight[0][1]], timeout)
        while self._in_flight and self._in_flight[0][1].done():
            batch, future = self._in_flight.popleft()
            yield batch, future.result()

    def abandon(self) -> list[tuple[Prepared, int]]:
        """Let go of the batches in flight once PostgreSQL is done with them; those that it stored all the same."""
        for _, future in self._in_flight:
            future.cancel()
        wait([future for _, future in self._in_flight])
        stored = [
            (batch, future.result())
            for batch, future in self._in_flight
            if not future.cancelled() and future.exception() is None
        ]
        self._in_flight.clear()
        return stored
