"""The progress of a demo, from the same frames that every other face shows. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from clickstream.actions.observe.documents import as_of
from clickstream.actions.observe.meter import Sample
from clickstream.actions.observe.model import DOWN, Frame, ProcessRow
from clickstream.actions.observe.once import Observer
from clickstream.config.settings import Settings
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerState


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


class FlowMeter:
    """Follows the pipeline; use as a context manager. A server that is away is asked again until it is back."""

    def __init__(self, settings: Settings, start: Sample) -> None:
        """`start`: offsets before the producer began."""
        self._start = start
        self._observer = Observer(lambda: settings, counts=False)
        self._looked_at = float("inf")
        self.frame = Frame(at=0.0)
        """What was seen last."""

    def __enter__(self) -> FlowMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.close()

    @property
    def produced(self) -> int:
        """Messages that Kafka has taken since the start."""
        return sum(end for _, _, end in self.frame.topic_offsets) - sum(self._start.ends.values())

    @property
    def read(self) -> int:
        """Messages that the consumers are through with since the start."""
        if not self.frame.partitions:
            return 0
        return sum(row.position for row in self.frame.partitions) - sum(self._start.positions.values())

    @property
    def last_commit(self) -> float:
        """When anything was last committed, in Unix seconds; -inf if nothing ever was."""
        ages = [row.commit_age for row in self.frame.partitions if row.commit_age is not None]
        return self.frame.at - min(ages, default=float("inf"))

    def sample(self, workers: tuple[ProcessRow, ...]) -> Flow:
        """See how it flows. `workers`: as their supervisor knows them now."""
        self._looked_at = time.time()
        self.frame = frame = self._observer.sample()
        producer = next((worker for worker in workers if worker.role == Role.PRODUCER), None)
        return Flow(
            produced=max(self.produced, producer.events if producer else 0),  # whichever is newer
            to_produce=producer.counters.get("total", 0) if producer else 0,
            read=self.read,
            rate_in=frame.produced_per_second or 0.0,
            rate_out=frame.read_per_second or 0.0,
            lag={row.partition: row.lag for row in frame.partitions},
            active_sessions=frame.active_sessions,
            trouble=self._trouble(workers),
            to_index=frame.indexing.total if frame.indexing else None,
        )

    @property
    def drained(self) -> bool:
        """By offsets that were all read in the last sample, nothing was left to store or to index."""
        at, indexing = as_of(self.frame), self.frame.indexing
        return at is not None and at >= self._looked_at and self.frame.lag == 0 and not (indexing and indexing.total)

    def _trouble(self, workers: tuple[ProcessRow, ...]) -> str:
        """What is waited for: a server, what others do in Kafka, or what a worker says."""
        frame = self.frame
        down = [frame.service(name).trouble for name in ("kafka", "postgresql") if frame.service(name).state is DOWN]
        standing = bool(frame.lag) and not frame.read_per_second
        held = [one.message for one in frame.obstacles] if standing else []
        waits = [worker.detail for worker in workers if worker.activity == WorkerState.WAITING and worker.detail]
        return next(iter([*down, *held, *waits]), "")


class ProgressReporter:
    """Adds the elapsed time to what is reported."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._began = time.monotonic()

    def report(self, phase: Phase, words: str, *, done: int = 0, total: int = 0, note: bool = False) -> None:
        self._show(DemoProgress(phase, words, time.monotonic() - self._began, done, total, note=note))

    def flow(self, flow: Flow) -> None:
        words = flow.trouble or "events flow"
        self._show(DemoProgress(Phase.PIPELINE, words, time.monotonic() - self._began, flow=flow))
