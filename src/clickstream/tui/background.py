"""A screen's question to servers or files, asked in a thread, one at a time; with its answer, its age, its error."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from clickstream.actions.observe.model import Figure
from clickstream.domain.errors import ClickstreamError, Interrupted

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from clickstream.domain.cancellation import Cancellation

T = TypeVar("T")

THREAD: Final = "background-query"
"""Name of the threads that ask."""


@dataclass(slots=True)
class _Answer(Generic[T]):
    asked_at: float
    token: object
    value: T | None = None
    error: str = ""
    cancelled: bool = False
    took: float = 0.0


class BackgroundQuery(Generic[T]):
    """A question that a screen repeats. Used on the app's thread; only the asking itself runs in a thread of its own.

    The answer comes back through the screen's message queue: a screen that has gone hears none. The threads are
    daemons, which workers of the framework are not: a server that hangs does not keep the app from ending.
    """

    def __init__(
        self,
        screen: MessagePump,
        answered: Callable[[], object],
        *,
        every: float = 0.0,
        share: float = 1.0,
        patience: float = math.inf,
    ) -> None:
        """Args:
        screen: whose question it is.
        answered: called on the app's thread when there is another `figure` or `error`.
        every: seconds from one asking to the next, at least.
        share: the part of the time that may go into asking, at most.
        patience: seconds after which an outstanding answer is due again.
        """
        self._screen = screen
        self._answered = answered
        self._every = every
        self._share = share
        self._patience = patience
        self._took = 0.0
        self._asked_at: float | None = None
        self._outstanding: _Answer[T] | None = None
        self._cancellation: Cancellation | None = None
        self._token: object = None
        self.figure: Figure[T] | None = None
        """The newest answer, and when it was asked for."""
        self.error = ""
        """Why the last asking brought no answer; empty: it did."""
        self.cancelled = False
        """The user has cancelled it: nothing is due until they ask."""

    @property
    def asking_since(self) -> float | None:
        """Unix seconds (by the frames' clock); None: nothing is asked now."""
        return self._outstanding.asked_at if self._outstanding is not None else None

    def due(self, now: float, token: object) -> bool:
        """Whether to ask now. `token` differs as soon as another answer is likely; until then the figure stays true."""
        if self.cancelled:
            return False
        since = self.asking_since
        if since is not None:
            return not 0 <= now - since < self._patience
        if self.figure is not None and token == self._token:
            self.figure = Figure(self.figure.value, now)
            return False
        pause = max(self._every, self._took / self._share)
        return self._asked_at is None or not 0 <= now - self._asked_at < pause

    def start(
        self, question: Callable[[], T], now: float, token: object = None, *, cancellation: Cancellation | None = None
    ) -> None:
        """Ask the question, unless the answer to an earlier question is outstanding and not due again.

        Args:
            question: runs in a thread. Raises ClickstreamError or OSError where there is no answer.
            now: Unix seconds, by the frames' clock.
            token: see `due`.
            cancellation: ends the question early.
        """
        since = self.asking_since
        if since is not None and 0 <= now - since < self._patience:
            return
        self._asked_at, self._cancellation, self.cancelled = now, cancellation, False
        self._outstanding = answer = _Answer[T](now, token)
        threading.Thread(target=self._run, args=(question, answer), name=THREAD, daemon=True).start()

    def abandon(self) -> None:
        """Do not wait for the outstanding answer: it is dropped when it comes, and another question can be asked."""
        self._outstanding = None

    def cancel(self) -> None:
        """End the outstanding question, if it was asked with a cancellation. That takes a thread: servers are told."""
        if self._outstanding is not None and self._cancellation is not None:
            threading.Thread(target=self._cancellation.cancel, name=f"{THREAD}-cancel", daemon=True).start()

    def _run(self, question: Callable[[], T], answer: _Answer[T]) -> None:
        began = time.monotonic()
        try:
            answer.value = question()
        except Interrupted:
            answer.cancelled = True
        except (ClickstreamError, OSError) as error:
            answer.error = str(error)
        except Exception as error:
            # A fault of ours: the screen stays and says so.
            answer.error = f"internal error: {type(error).__name__}: {error}"
        answer.took = time.monotonic() - began
        self._screen.call_later(partial(self._deliver, answer))

    def _deliver(self, answer: _Answer[T]) -> None:
        if answer is not self._outstanding:
            return
        self._outstanding = None
        self._took, self.error, self.cancelled = answer.took, answer.error, answer.cancelled
        if answer.value is not None:
            self.figure, self._token = Figure(answer.value, answer.asked_at), answer.token
        self._answered()
