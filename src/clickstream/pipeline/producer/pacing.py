"""When the next event may be sent: at once, at an even rate, or in the rhythm of event time.

Pure: given a clock's time, it returns a count and a delay; the caller waits (on the stop event).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from clickstream.domain.pace import Pace

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

STEP: Final = 0.025
"""Seconds: events that are due closer together than this go out together."""

LARGEST_BACKLOG: Final = 1.0
"""Seconds' worth of events that are caught up after a stall; what is older than that shifts the whole plan."""

PAUSED: Final = 0.1
"""Seconds after which to ask again in a pause."""


class Plan(Protocol):
    """When each event is due, in seconds after the start."""

    def due_at(self, index: int) -> float: ...

    def due_by(self, elapsed: float) -> int:
        """How many events are due up to then."""
        ...


class UnlimitedPlan:
    """Everything is due from the start."""

    def __init__(self, count: int) -> None:
        self._count = count

    def due_at(self, _index: int) -> float:
        return math.inf  # never behind

    def due_by(self, _elapsed: float) -> int:
        return self._count


class EvenPlan:
    """`rate` events a second, the first at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def due_at(self, index: int) -> float:
        return index / self._rate

    def due_by(self, elapsed: float) -> int:
        return math.floor(elapsed * self._rate + 1e-9) + 1


class EventTimePlan:
    """As the events happened, `factor` times as fast; `time_ms` ascends."""

    def __init__(self, time_ms: Int64Array, factor: float) -> None:
        self._due = (time_ms - time_ms[:1]) / (1000.0 * factor)

    def due_at(self, index: int) -> float:
        return float(self._due[index])

    def due_by(self, elapsed: float) -> int:
        return int(np.searchsorted(self._due, elapsed, side="right"))


def plan(pace: Pace, time_ms: Int64Array) -> Plan:
    """When the events with these times are due; `time_ms` ascends."""
    if pace.rate is not None:
        return EvenPlan(pace.rate)
    return EventTimePlan(time_ms, pace.realtime) if pace.realtime is not None else UnlimitedPlan(len(time_ms))


class Pacer:
    """Follows a plan from the first question on, and shifts it after a stall instead of bursting.

    The plan may be replaced under way, and everything held up for a while.
    """

    def __init__(self, plan: Plan, count: int, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._count = count
        self._clock = clock
        self._start: float | None = None
        self._first = 0
        """The number of the plan's first event among all."""
        self._paused_at: float | None = None

    def follow(self, plan: Plan, sent: int) -> None:
        """From now on follow this plan for the events after the first `sent`."""
        self._plan, self._first, self._start = plan, sent, None

    def pause(self) -> None:
        """Allow nothing until `resume`."""
        if self._paused_at is None:
            self._paused_at = self._clock()

    def resume(self) -> None:
        """Continue where the plan was when the pause began: what a pause delayed is not caught up."""
        paused_at, self._paused_at = self._paused_at, None
        if paused_at is not None and self._start is not None:
            self._start += self._clock() - paused_at

    def allow(self, sent: int) -> tuple[int, float]:
        """After `sent` events: how many more may go now, and, when none may, the seconds until some may."""
        if sent >= self._count:
            return 0, 0.0
        if self._paused_at is not None:
            return 0, PAUSED
        now = self._clock()
        if self._start is None:
            self._start = now
        index = sent - self._first
        behind = now - self._start - self._plan.due_at(index)
        if behind > LARGEST_BACKLOG:
            self._start += behind - LARGEST_BACKLOG
        due = min(self._first + self._plan.due_by(now - self._start), self._count) - sent
        if due > 0:
            return due, 0.0
        return 0, max(STEP, self._start + self._plan.due_at(index) - now)
