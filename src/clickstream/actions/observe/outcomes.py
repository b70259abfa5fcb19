"""Totals and rates of what consumers did with the messages they read, from the counters in their reports. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from clickstream.actions.observe.model import Outcomes

OVER = 3.0
"""Seconds over which rates are taken: commits come in batches, reports once a second."""

NAMES = ("stored", "duplicates", "rejected", "late")
"""The counters, in the order of Outcomes' fields."""


class Life(msgspec.Struct, frozen=True):
    """One life of one consumer, as it last reported of it."""

    began: float
    """Unix seconds, like the next."""
    at: float
    """When it reported."""
    counters: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Totals since it began."""


Lives = Mapping[str, Life]
"""By a name that no other life has."""


class OutcomeMeter:
    """Takes the reports of all consumers, sample after sample. Counters begin at 0 with each life: each is its own."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Lives]] = deque()

    def sample(self, at: float, lives: Lives) -> Outcomes[float] | None:
        """What became of the messages of the last OVER seconds, a second; None: no consumer has reported twice.

        Args:
            at: Unix seconds.
            lives: every consumer that is known now.
        """
        self._samples.append((at, lives))
        while len(self._samples) > 2 and at - self._samples[1][0] >= OVER:
            self._samples.popleft()
        rates = [_rates(self._before(name, life), life) for name, life in lives.items()]
        known = [rate for rate in rates if rate is not None]
        return Outcomes(*map(sum, zip(*known, strict=True))) if known else None

    def _before(self, name: str, life: Life) -> Life:
        """How it stood at the beginning of these seconds.

        A life that was not known then counts from 0 only where it had not begun; else it was out of sight (Valkey did
        not answer), and counts from when it was seen again.
        """
        first_at, first = self._samples[0]
        if name not in first and life.began >= first_at:
            return Life(life.began, life.began)
        return next(lives[name] for _, lives in self._samples if name in lives)


def _rates(before: Life, now: Life) -> tuple[float, ...] | None:
    """By the worker's own clock, so that it does not matter how long a report took to come here."""
    seconds = now.at - before.at
    if seconds <= 0:
        return None
    return tuple(max(0, now.counters.get(name, 0) - before.counters.get(name, 0)) / seconds for name in NAMES)


def totals(lives: Lives) -> Outcomes[int] | None:
    """What became of the messages since these lives began; None: there are none."""
    if not lives:
        return None
    return Outcomes(*(sum(life.counters.get(name, 0) for life in lives.values()) for name in NAMES))
