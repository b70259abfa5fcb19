"""Lets one thread end the blocking work of another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickstream.domain.errors import Interrupted


class Cancellation:
    """Belongs to one piece of work: the caller who may want to end it makes one and gives it to the code that works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._wanted = False

    @property
    def wanted(self) -> bool:
        return self._wanted

    def cancel(self) -> None:
        """End the work, now or as soon as it begins. May take as long as `stop` takes."""
        with self._lock:
            self._wanted = True
            if self._stop is not None:
                self._stop()

    @contextmanager
    def ending(self, stop: Callable[[], None]) -> Iterator[None]:
        """`cancel` calls `stop`, in the thread that cancels, to end the work inside. Raises Interrupted at once when it
        was cancelled before."""
        with self._lock:
            if self._wanted:
                raise Interrupted("cancelled")
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None
