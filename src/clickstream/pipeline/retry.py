"""When to try again what failed: growing pauses with jitter. Sleeps nowhere."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0


class Backoff:
    """Pauses of 0.1 s, 0.2 s ... 5 s, each shortened at random by up to half, so that workers do not march in step."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._until = float("-inf")

    @property
    def due(self) -> bool:
        return self._clock() >= self._until

    def failed(self) -> None:
        self._until = self._clock() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def succeeded(self) -> None:
        self._pause = FIRST_PAUSE
        self._until = float("-inf")
