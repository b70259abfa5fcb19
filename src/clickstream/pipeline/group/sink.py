"""The protocol between the reader of a group and its sink, which stores messages batch by batch."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.group.assignment import Assignment
from clickstream.pipeline.group.in_flight import InFlight
from clickstream.services.kafka.consumer import FetchedMessages

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much is fetched at once, and for how long (seconds)."""

    count: int
    """The most messages."""
    wait: float
    """How long a fetch waits for a first message before the worker looks around."""
    gather: float
    """How long others may then join it."""
    hold_after: float
    """How long the sink may be full before fetching stops; a member that never polls leaves the group."""


class Totals:
    """What a worker has done since it began."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.first_message_at: float | None = None
        self.last_commit_at: float | None = None
        self.cpu_seconds = 0.0
        self._cpu_at_first = 0.0

    def fetched(self, seconds: float, *, some: bool) -> None:
        """A fetch took so long and brought some messages, or none."""
        if some and self.first_message_at is None:
            self.first_message_at, self._cpu_at_first = time.time(), time.process_time()

    def add(self, at: float, **counts: int) -> None:
        """A batch is done with since `at` (Unix seconds)."""
        self.last_commit_at, self.cpu_seconds = at, time.process_time() - self._cpu_at_first
        self.counters.update(batches=1, **counts)


class Sink(Protocol[B]):
    """Takes the messages of open partitions as batches (B) and stores them. For the reader's thread, but `maintain`."""

    role: Role
    limits: FetchLimits
    stored_at_most_once: bool
    """What is in flight may be left to itself when its partition goes to another worker: it cannot be stored twice."""

    @property
    def partitions(self) -> Assignment[Any]: ...

    @property
    def queue(self) -> InFlight[Any, Any]: ...

    @property
    def totals(self) -> Totals: ...

    @property
    def trouble(self) -> ServiceUnavailable | None:
        """Why nothing gets through at present, where the sink itself tries on; None while all is well."""

    def assigned(self, partitions: list[int]) -> None:
        """These are ours from now on."""

    def portions(self, fetched: list[FetchedMessages]) -> Iterable[list[FetchedMessages]]:
        """The messages of open partitions, so many at a time as make a batch."""

    def prepare(self, portion: list[FetchedMessages]) -> B | None:
        """The batch of these messages; None if all of them were handed over before."""

    def submit(self, batch: B) -> None:
        """Have it stored; there is room."""

    def skip_to(self, partition: int, end: int) -> B:
        """The batch without messages that moves the offset to the log's end, over the marks of transactions."""

    def collect(self, timeout: float) -> None:
        """Note what is stored; wait up to `timeout` seconds for the first.

        Raises:
            BatchInvalidated: a batch cannot be stored as it was prepared.
            ServiceUnavailable, ServiceRefused: the server is away, or says no.
        """

    def secure(self, partitions: Iterable[int], *, busy: bool) -> None:
        """About once a second, and before partitions are given up: see to it that another worker can go on with them.

        `busy`: messages keep coming.
        """

    def abandon(self) -> None:
        """Forget what is not stored."""

    def maintain(self) -> None:
        """About once a second, on another thread: what may take time. Must not raise."""

    def report(self, report: WorkerReport) -> WorkerReport:
        """The report with what only this sink knows."""

    def close(self) -> None:
        """The last call, on the thread of `maintain`; nothing more will be submitted."""
