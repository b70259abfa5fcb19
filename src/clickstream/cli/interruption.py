"""Ctrl+C in long commands: noticed even where a driver swallows the signal."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickstream.actions.demo.progress import DemoProgress, Show


class Interruption:
    """Ctrl+C, or a polite kill, which ends a demo just so: what it started is stopped.

    A driver's C code may turn the KeyboardInterrupt into another error, or lose it; `asked` is not lost. A context
    manager: whatever way its block ends after an interruption, it ends with KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.asked:
            raise KeyboardInterrupt from error

    def watching(self, show: Show) -> Show:
        """The same, and it ends the demo at the next sign of flow if nothing did before."""

        def watched(now: DemoProgress) -> None:
            show(now)
            if self.asked and now.flow is not None:
                raise KeyboardInterrupt

        return watched

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt
