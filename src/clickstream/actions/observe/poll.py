"""Asks one question again and again in its own thread, so no other thread waits for a service that hangs.

Knows no service. The latest result is one frozen value that any thread may read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from clickstream.domain.errors import ClickstreamError

T = TypeVar("T")

MOST_OF_THE_TIME = 0.05
"""The share of the time that a dear question may take; a slower one is asked less often."""

PATIENCE = 0.3
"""Seconds to wait for the poller that is to answer first."""

SAME_BEAT = 0.1
"""Seconds before one's own turn within which another's turn belongs to the same beat."""

LOOK_AGAIN_AFTER = 0.5
"""Seconds after which a question that could not be asked is tried again: that costs nothing."""


class Skipped(Exception):
    """The question cannot be asked now; the text says why."""


class PollResult(msgspec.Struct, Generic[T], frozen=True):
    """What is known of the answers to one question."""

    value: T | None = None
    at: float = 0.0
    """Unix seconds of the answer `value`; 0: there was none yet."""
    error: str = ""
    """Why the last try failed; empty when it succeeded, or when the question was not asked."""
    skipped: str = ""
    """Why the question was not asked; empty when it was."""
    asked_at: float | None = None
    """Unix seconds since which an answer is outstanding; None: none is."""

    def silent_for(self, now: float) -> float:
        """Seconds since which an answer is outstanding; 0 when none is."""
        return max(0.0, now - self.asked_at) if self.asked_at is not None else 0.0


class Poller(Generic[T]):
    """Asks in a daemon thread until told to stop: a question that hangs cannot keep the program from ending."""

    def __init__(
        self,
        name: str,
        ask: Callable[[], T],
        *,
        every: float = 1.0,
        share: float = 1.0,
        after: Poller[Any] | None = None,
        turned: Callable[[], None] = lambda: None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Args:
        name: of the thread.
        ask: the question; raises ClickstreamError or Skipped.
        every: seconds from one asking to the next.
        share: of the time that asking may take at most; where answers take long, it is asked less often.
        after: ask when that poller has had its turn, unless that takes too long (PATIENCE): for an answer that means
            something only if it is the later one.
        turned: called from the thread when it went from knowing nothing to an answer, from answers to faults, or back.
        ended: called from the thread at its end.
        """
        self._turned = turned
        self._ended = ended
        self._ask = ask
        self._every = every
        self._share = share
        self._after = after
        self._turn = threading.Condition()
        self._turn_over_at = 0.0
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._result: PollResult[T] = PollResult()
        self._thread = threading.Thread(target=self._run, name=f"poll-{name}", daemon=True)

    @property
    def result(self) -> PollResult[T]:
        return self._result

    def start(self) -> None:
        self._thread.start()

    def ask_now(self) -> None:
        """Do not wait for the next turn."""
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def wait_for_turn(self, since: float, patience: float) -> None:
        """Wait until a question has been asked and answered since then (monotonic); `patience` seconds at most."""
        with self._turn:
            self._turn.wait_for(lambda: self._turn_over_at >= since, patience)

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended, `timeout` seconds at most."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._after is not None:
                self._after.wait_for_turn(time.monotonic() - SAME_BEAT, PATIENCE)
            began = time.monotonic()
            self._once()
            now = time.monotonic()
            with self._turn:
                self._turn_over_at = now
                self._turn.notify_all()
            if self._share < 1:
                took = now - began
                pause = max(self._every - took, took * (1 / self._share - 1))
            else:
                pause = to_next_beat(now, self._every)
            if self._result.skipped:
                pause = min(pause, LOOK_AGAIN_AFTER)
            self._wake.wait(pause)
            self._wake.clear()
        self._ended()

    def _once(self) -> None:
        before = self._result
        self._result = replace(before, asked_at=time.time())
        try:
            value = self._ask()
        except Skipped as reason:
            self._result = replace(before, error="", skipped=str(reason), asked_at=None)
        except ClickstreamError as error:
            self._result = replace(before, error=str(error), skipped="", asked_at=None)
        except Exception as error:
            # A fault of ours must not end the thread: the figure goes old, and its place says why.
            words = f"internal error: {type(error).__name__}: {error}"
            self._result = replace(before, error=words, skipped="", asked_at=None)
        else:
            self._result = PollResult(value, time.time())
        if _kind(before) != _kind(self._result):
            self._turned()


def to_next_beat(now: float, every: float) -> float:
    """Seconds until all whom one asks so often are asked at once, so that their answers belong together."""
    return every - now % every


def _kind(result: PollResult[T]) -> tuple[bool, bool, bool]:
    return bool(result.at), bool(result.error), bool(result.skipped)
