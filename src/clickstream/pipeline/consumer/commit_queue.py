"""Batches on their way into PostgreSQL: a short queue and the one thread that commits them, in order.

Touches no partition: what became of each batch is for the caller to collect.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from clickstream.pipeline.consumer.partition import Prepared
from clickstream.services.postgres.store import Store
from clickstream.services.postgres.writes import BatchRefused, Outcome

DEPTH: Final = 2
"""Batches in hand: one that PostgreSQL works on and one that waits for it. More costs memory and gains nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A batch that is in PostgreSQL."""

    batch: Prepared
    outcome: Outcome
    at: float
    """When its transaction was over: Unix seconds."""
    seconds: float
    """How long that took."""


class Commits:
    """The batches in flight. A batch that fails makes those of its partition behind it fail too (the offset)."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._in_flight: deque[Future[Stored]] = deque()

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= DEPTH

    def submit(self, store: Store, batch: Prepared) -> None:
        self._in_flight.append(self._thread.submit(_commit, store, batch))

    def done(self, timeout: float = 0.0) -> Iterator[Stored]:
        """The batches that are stored, oldest first; waits up to `timeout` seconds for the first.

        Raises what the commit of the next batch raised; that batch is then no longer in flight.
        """
        if self._in_flight and timeout:
            wait([self._in_flight[0]], timeout)
        while self._in_flight and self._in_flight[0].done():
            yield self._in_flight.popleft().result()

    def abandon(self) -> list[Stored]:
        """Let go of the batches in flight once PostgreSQL is done with them; those that it stored all the same."""
        for future in self._in_flight:
            future.cancel()
        wait(self._in_flight)
        stored = [
            future.result() for future in self._in_flight if not future.cancelled() and future.exception() is None
        ]
        self._in_flight.clear()
        return stored


def _commit(store: Store, batch: Prepared) -> Stored:
    started = time.perf_counter()
    try:
        outcome = store.commit(batch.write)
    except BatchRefused as error:
        error.messages, error.last_offset = batch.messages, batch.write.new_offset - 1
        raise
    return Stored(batch, outcome, at=time.time(), seconds=time.perf_counter() - started)
