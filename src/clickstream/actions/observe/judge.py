"""Judges a partition's state and the trend of its lag, over several samples so that they do not flicker. Pure.

OK: the lag is what a few seconds' work holds, or it will be gone within a minute. LAGGING: it is more than that, or an
open transaction of another producer holds it back.
STALLED: messages wait, the partition has an owner, and nothing has been stored for a while. STOPPED: messages wait,
and the partition has no owner. The first state is believed at once, a worse one after two samples in a row, a better
one after three.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from clickstream.actions.observe.model import LAGGING, OK, STALLED, STOPPED, PartitionState, Trend

FLOOR = 500
"""A lag up to this many messages is normal, whatever the rates are."""

IN_STEP = 3.0
"""Seconds' worth of storing: a lag up to that is the batches under way."""

SLOW_DRAIN = 60.0
"""Seconds to drain that are still OK."""

STALLED_AFTER = 5.0
"""Seconds without a commit while messages wait."""

BELIEVE_WORSE, BELIEVE_BETTER = 2, 3
"""Looks in a row that a new state, or trend, takes to be believed."""

ENTER_TREND, LEAVE_TREND = 0.06, 0.02
"""Change a second, as a share of the lag or the rate in, that starts a trend, and below which it ends."""

GRAVITY = {OK: 0, LAGGING: 1, STALLED: 2, STOPPED: 3}


class Reading(msgspec.Struct, frozen=True):
    """One sample of a partition."""

    lag: int
    rate_in: float | None
    """Messages a second; None: there was only one sample."""
    rate_out: float | None
    owned: bool
    commit_age: float | None
    """Seconds since the last commit; None: never."""
    held: bool = False
    """All that can be read is stored: another producer's open transaction holds the rest back."""

    @property
    def drains_in(self) -> float | None:
        """Seconds until nothing is left, None: never at these rates."""
        if self.lag == 0:
            return 0.0
        if self.rate_in is None or self.rate_out is None:
            return None
        growth = self.rate_in - self.rate_out
        return self.lag / -growth if growth < 0 else None


W = TypeVar("W", bound=StrEnum)


class StableWord(msgspec.Struct, Generic[W]):
    """A word that changes only when several samples in a row say so."""

    word: W
    candidate: W | None = None
    seen: int = 0

    def update(self, word: W, needed: int) -> W:
        if word == self.word:
            self.seen = 0
        elif word == self.candidate:
            self.seen += 1
        else:
            self.candidate, self.seen = word, 1
        if self.seen >= needed:
            self.word, self.seen = word, 0
        return self.word


class Judge:
    """Judges one partition, sample after sample."""

    def __init__(self) -> None:
        self._state: StableWord[PartitionState] | None = None
        self._trend = StableWord(Trend.STEADY)

    def judge(self, reading: Reading) -> tuple[PartitionState, Trend]:
        """(state, trend) after one more sample; one without rates is not remembered, unless nothing has been stored for
        a while: a PostgreSQL that does not answer tells no rates."""
        state = _state(reading)
        if reading.rate_in is None or reading.rate_out is None:
            if self._state and GRAVITY[state] >= GRAVITY[STALLED]:
                self._state.update(state, BELIEVE_WORSE)
            return (self._state.word if self._state else state), self._trend.word
        trend = _trend(reading.lag, reading.rate_in, reading.rate_out, self._trend.word)
        if self._state is None:
            self._state = StableWord(state)
        worse = GRAVITY[state] > GRAVITY[self._state.word]
        return self._state.update(state, BELIEVE_WORSE if worse else BELIEVE_BETTER), self._trend.update(trend, 2)


def _state(reading: Reading) -> PartitionState:
    stored = reading.rate_out or 0.0
    if reading.lag == 0:
        return OK
    if not reading.owned and stored == 0:
        return STOPPED
    if reading.held:
        return LAGGING
    if stored == 0 and (reading.commit_age is None or reading.commit_age > STALLED_AFTER):
        return STALLED
    if reading.rate_out is None or reading.lag <= max(FLOOR, IN_STEP * stored):
        return OK
    drains_in = reading.drains_in
    return OK if drains_in is not None and drains_in <= SLOW_DRAIN else LAGGING


def _trend(lag: int, rate_in: float, rate_out: float, before: Trend) -> Trend:
    growth = rate_in - rate_out
    scale = max(float(lag), rate_in, 1.0)
    needed = (ENTER_TREND if before is Trend.STEADY else LEAVE_TREND) * scale
    if abs(growth) <= needed or (lag <= FLOOR and growth < FLOOR):
        return Trend.STEADY
    return Trend.GROWING if growth > 0 else Trend.SHRINKING
