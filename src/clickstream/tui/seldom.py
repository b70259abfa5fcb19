"""A figure that takes a scan, asked for by a screen while it is looked at: seldom, in a thread, with its age."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from clickstream.actions.observe.model import Figure
from clickstream.actions.observe.poll import MOST_OF_THE_TIME
from clickstream.domain.errors import ClickstreamError, Interrupted

T = TypeVar("T")


class Seldom(Generic[T]):
    """Used by the screen, on the app's thread; only the asking itself is in a thread of its own."""

    def __init__(self, every: float) -> None:
        """`every`: seconds from one asking to the next, at least; and at most MOST_OF_THE_TIME goes into asking."""
        self._every = every
        self._took = 0.0
        self._asked_at: float | None = None
        self._token: object = None
        self.figure: Figure[T] | None = None
        self.error = ""
        self.asking_since: float | None = None
        """Unix seconds (by the frames' clock); None: nothing is asked now."""
        self.cancelled = False
        """The user has cancelled it: nothing is asked until they ask."""

    def due(self, now: float, token: object) -> bool:
        """Whether to ask now. `token`: differs as soon as another answer is likely; else the figure stays true."""
        if self.asking_since is not None or self.cancelled:
            return False
        if self.figure is not None and token == self._token:
            self.figure = Figure(self.figure.value, now)
            return False
        return self._asked_at is None or now - self._asked_at >= self.pause

    @property
    def pause(self) -> float:
        """Seconds from one asking to the next."""
        return max(self._every, self._took / MOST_OF_THE_TIME)

    def ask(self, now: float, token: object, question: Callable[[], T], told: Callable[[Answer[T]], object]) -> None:
        """Ask in a thread, which hands the answer to `told`; give it to `hear` on the app's thread."""
        self.asking_since = self._asked_at = now
        self.cancelled = False

        def run() -> None:
            began = time.monotonic()
            answer: Answer[T] = Answer(now, token)
            try:
                answer.value = question()
            except Interrupted:
                answer.cancelled = True
            except ClickstreamError as error:
                answer.error = str(error)
            answer.took = time.monotonic() - began
            told(answer)

        threading.Thread(target=run, name="seldom", daemon=True).start()

    def hear(self, answer: Answer[T]) -> None:
        """Take the answer in."""
        self.asking_since = None
        self._took, self.error, self.cancelled = answer.took, answer.error, answer.cancelled
        if answer.value is not None:
            self.figure, self._token = Figure(answer.value, answer.asked_at), answer.token


class Answer(Generic[T]):
    """What came of one asking."""

    def __init__(self, asked_at: float, token: object) -> None:
        self.asked_at = asked_at
        self.token = token
        self.value: T | None = None
        self.error = ""
        self.cancelled = False
        self.took = 0.0
