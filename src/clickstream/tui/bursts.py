"""Tells a single key from a burst: a paste that the terminal does not mark as one must not start, stop or delete.

What changes something is done only when the key (or click) that asked for it came alone: no other input shortly before
it, and none shortly after it, so it waits that long. Keys that only show something never come here. Reads no clock: an
input carries the time at which it arrived, however busy the app was since.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

QUIET: Final = 0.08
"""Seconds between two inputs of a person. A paste comes in one piece, a repeated key every 0.03."""

CALM: Final = 0.5
"""Seconds after a burst in which nothing is done either: its rest may be under way, or Enter, meant for a shell."""

NOTICE: Final = "That looked like a paste: keys that start, stop or change something are taken one at a time."

Do = Callable[[], object]


class Bursts:
    """Remembers the inputs and holds the actions that wait."""

    def __init__(self, quiet: float, later: Callable[[float, Do], object], refused: Do) -> None:
        """Args:
        quiet: seconds without another input, before and after; 0: everything is done at once.
        later: call something after so many seconds, behind all inputs that have arrived until then.
        refused: called once a burst, where it asked for something.
        """
        self._quiet = quiet
        self._later = later
        self._refused = refused
        self._key = ""
        self._at: float | None = None
        self._count = 0
        self._alone = True
        """The newest input had quiet before it."""
        self._proven = True
        """It had quiet after it, too."""
        self._burst_at: float | None = None
        self._told = False
        self._waiting: list[Do] = []

    def note(self, key: str, at: float, *, text: bool = False) -> None:
        """An input has arrived.

        Args:
            key: which one; the same again and again is a key that is held, not a burst.
            at: when.
            text: it goes into a text field, where people paste and type fast.
        """
        near = self._at is not None and at - self._at < self._quiet
        if self._waiting:
            if near:
                self._waiting.clear()
                self._refuse()
            else:
                self._go_on(self._count)
        calm = self._burst_at is None or at - self._burst_at >= CALM
        if calm and not near:
            self._told = False
        if near and key != self._key and not text:
            self._burst_at = at
        self._key, self._at, self._count = key, at, self._count + 1
        self._alone, self._proven = calm and not near, False

    def note_paste(self, at: float, *, text: bool = False) -> None:
        """A text was pasted, and the terminal said so."""
        self.note("paste", at, text=text)
        if not text:
            self._burst_at = at

    def act(self, do: Do) -> None:
        """Do it, if the newest input turns out to have come alone; else say that it was not done."""
        if not self._quiet or self._proven:
            do()
        elif self._alone:
            self._waiting.append(do)
            self._later(self._quiet, partial(self._go_on, self._count))
        else:
            self._refuse()

    def _go_on(self, count: int) -> None:
        """This input came alone, so what waits for it is done; unless another input has come since and decided it."""
        if count != self._count:
            return
        waiting, self._waiting = self._waiting, []
        self._proven = True
        for do in waiting:
            do()

    def _refuse(self) -> None:
        if not self._told:
            self._told = True
            self._refused()
