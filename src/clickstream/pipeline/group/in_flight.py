"""Work in flight: a short queue and the one thread that does it, in order.

Touches no partition: the caller collects the results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, Generic, TypeVar

DEPTH: Final = 2
"""Batches in flight: one that the server works on and one that waits for it. More costs memory and gains nothing."""

W = TypeVar("W")
R = TypeVar("R")


class InFlight(Generic[W, R]):
    """The work that was handed over and not collected. Work is W, its result R."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._in_flight: deque[tuple[W, Future[R]]] = deque()

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= DEPTH

    def put(self, work: W, do: Callable[[], R]) -> None:
        """Have it done after what is in flight."""
        self._in_flight.append((work, self._thread.submit(do)))

    def done(self, timeout: float = 0.0) -> Iterator[tuple[W, R]]:
        """What is done, oldest first; waits up to `timeout` seconds for the first.

        Raises what the next one raised; that one is then no longer in flight.
        """
        if self._in_flight and timeout:
            wait([self._in_flight[0][1]], timeout)
        while self._in_flight and self._in_flight[0][1].done():
            work, future = self._in_flight.popleft()
            yield work, future.result()

    def abandon(self) -> list[tuple[W, R]]:
        """Let go of what is in flight once the server is done with it; what was done all the same."""
        for _, future in self._in_flight:
            future.cancel()
        wait([future for _, future in self._in_flight])
        done = [
            (work, future.result())
            for work, future in self._in_flight
            if not future.cancelled() and future.exception() is None
        ]
        self._in_flight.clear()
        return done
