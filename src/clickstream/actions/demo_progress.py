"""What a demo says of itself while it runs, and the measuring behind it. Decides nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from clickstream.actions.observe.meter import LagMeter, Sample
from clickstream.actions.observe.model import ProcessRow
from clickstream.actions.observe.surroundings import look_around, progress_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable
from clickstream.domain.obstacles import obstacles

RATES_OVER = 2.0
"""Seconds over which rates are taken: commits come in batches."""

STANDS_AFTER = 3.0
"""Seconds without a commit after which it is asked what holds messages back, and asked again."""


class Phase(StrEnum):
    """Where a demo stands."""

    STACK = "stack"
    DATA = "data"
    RESET = "reset"
    PIPELINE = "pipeline"
    VERIFY = "verify"
    ANALYTICS = "analytics"


@dataclass(frozen=True, slots=True)
class Flow:
    """How the pipeline flows at one instant; messages and messages a second."""

    produced: int
    to_produce: int
    """0: not known yet."""
    read: int
    """Messages of this demo that the consumers are through with, whatever became of them: by PostgreSQL's offsets."""
    rate_in: float
    rate_out: float
    lag: dict[int, int]
    """By partition."""
    active_sessions: int
    trouble: str = ""
    """What is being waited for."""
    to_index: int | None = None
    """Messages that the indexers have before them; None where OpenSearch is not enabled."""


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """One word from a demo."""

    phase: Phase
    words: str
    elapsed: float
    """Seconds since the demo began."""
    done: int = 0
    total: int = 0
    """Of `done`: bytes of downloads, rows of data; 0: nothing to measure in this phase."""
    flow: Flow | None = None
    note: bool = False
    """True: worth keeping on the screen."""


Show = Callable[[DemoProgress], None]


@dataclass(slots=True)
class FlowMeter:
    """Follows offsets and workers; use as a context manager. A server that is away is asked again, for ever."""

    settings: Settings
    start: Sample
    """Offsets before the producer began."""
    _meter: LagMeter | None = None
    _trouble: str = ""
    _history: deque[Sample] = field(default_factory=deque)
    _obstacle: str = ""
    _looked_around: float = float("-inf")

    def __enter__(self) -> FlowMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    @property
    def last(self) -> Sample:
        return self._history[-1] if self._history else self.start

    def read(self, workers: tuple[ProcessRow, ...]) -> Flow:
        """Take a sample, and say how it flows."""
        self._sample()
        producer = next((worker for worker in workers if worker.role == "producer"), None)
        troubles = [worker.detail for worker in workers if worker.activity == "waiting" and worker.detail]
        oldest, newest = (self._history[0] if self._history else self.start), self.last
        elapsed = 0.0 if self._trouble else newest.at - oldest.at  # an old rate would look like flow
        return Flow(
            produced=max(ends(newest) - ends(self.start), producer.events if producer else 0),  # whichever is newer
            to_produce=producer.counters.get("total", 0) if producer else 0,
            read=positions(newest) - positions(self.start),
            rate_in=(ends(newest) - ends(oldest)) / elapsed if elapsed else 0.0,
            rate_out=(positions(newest) - positions(oldest)) / elapsed if elapsed else 0.0,
            lag={partition: one.lag for partition, one in newest.partitions.items()},
            active_sessions=sum(worker.active_sessions for worker in workers),
            trouble=self._trouble or self._around(newest) or next(iter(troubles), ""),
            to_index=newest.to_index,
        )

    @property
    def drained(self) -> bool:
        """The last sample could be taken, and nothing was left to store or to index."""
        return not self._trouble and bool(self._history) and self.last.total == 0 and not self.last.to_index

    def _around(self, newest: Sample) -> str:
        """What in Kafka holds messages back, where nothing has been stored for a while though some wait."""
        if not newest.total or newest.at - max(last_commit(newest), self.start.at) < STANDS_AFTER:
            self._obstacle = ""
        elif newest.at - self._looked_around >= STANDS_AFTER:
            self._looked_around = newest.at
            try:
                around = look_around(self.settings)
            except ClickstreamError:
                around = None  # Kafka itself is the trouble, and said so
            found = obstacles(around, progress_of(newest)) if around else ()
            self._obstacle = found[0].message if found else ""
        return self._obstacle

    def _sample(self) -> None:
        try:
            if self._meter is None:
                self._meter = LagMeter(self.settings)
            self._history.append(self._meter.sample())
            self._trouble = ""
        except ServiceUnavailable as error:
            self._trouble = str(error.args[0])
            self._drop()
        while len(self._history) > 2 and self._history[-1].at - self._history[0].at > RATES_OVER:
            self._history.popleft()

    def _drop(self) -> None:
        if self._meter is not None:
            self._meter.__exit__(None, None, None)
            self._meter = None


def ends(sample: Sample) -> int:
    return sum(sample.ends.values())


def positions(sample: Sample) -> int:
    return sum(sample.positions.values())


def last_commit(sample: Sample) -> float:
    """When anything was last committed, in seconds of the monotonic clock; -inf if nothing ever was."""
    return max((sample.at - age for age in sample.ages.values()), default=float("-inf"))


class Narrator:
    """Puts the time on every word."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._began = time.monotonic()

    def say(self, phase: Phase, words: str, *, done: int = 0, total: int = 0, note: bool = False) -> None:
        self._show(DemoProgress(phase, words, time.monotonic() - self._began, done, total, note=note))

    def flow(self, flow: Flow) -> None:
        words = flow.trouble or "events flow"
        self._show(DemoProgress(Phase.PIPELINE, words, time.monotonic() - self._began, flow=flow))
