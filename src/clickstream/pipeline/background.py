"""Side work on a thread of its own, beside the main loop and never in its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Runs one thing at a time; while it hangs, what comes next is skipped. Jobs must not raise."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._last: Future[None] | None = None

    def offer(self, job: Callable[[], None]) -> None:
        """Run the job, unless an earlier one is still at work."""
        if self._last is None or self._last.done():
            self._last = self._thread.submit(job)

    def finish(self, job: Callable[[], None] | None = None) -> None:
        """Run a last job after what is at work, and end the thread."""
        if job is not None:
            self._thread.submit(job)
        self._thread.shutdown()
