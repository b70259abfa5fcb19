"""Growing pauses between attempts. Does not sleep and owns no clock."""

from __future__ import annotations

import random
from collections.abc import Callable


class Pauses:
    """Pauses that double from `first` to `longest` seconds, each shortened at random by up to half, so that those that
    failed together do not try again together."""

    def __init__(self, first: float, longest: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._first = first
        self._longest = longest
        self._uniform = uniform
        self._coming = first

    def next(self) -> float:
        """Seconds until the next attempt."""
        pause = min(self._coming, self._longest)
        self._coming = 2 * pause
        return self._uniform(pause / 2, pause)

    def reset(self) -> None:
        """Begin with the first again: it worked."""
        self._coming = self._first
