"""A member of the consumer group: the one loop that reads partitions and hands their messages to a sink.

The main thread fetches and prepares; one other thread stores, so that a server works on one batch while the next is
prepared. Every failure that passes by itself has one cure: forget what is not stored, look up where each partition
continues, and continue there, as often as it takes. The sink decides what a batch is and where it goes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from msgspec.structs import replace

from clickstream.config.settings import KafkaSettings, PostgresSettings, Settings, ValkeySettings
from clickstream.domain.errors import (
    AdmissionRefused,
    BatchInvalidated,
    ClickstreamError,
    OffsetLost,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.group.sink import Sink
from clickstream.pipeline.process.heartbeats import Heartbeats
from clickstream.pipeline.process.loop import Background, Backoff, Rate, Reporter
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.consumer import EventConsumer, FetchedMessages

PATIENCE_SECONDS: Final = 0.5
"""How long one wait for the sink lasts before the worker looks around."""

DRAIN_SECONDS: Final = 10.0
"""How long a stop or a rebalance waits for what is in flight."""

GROUP_COMMIT_SECONDS: Final = 1.0

CHECK_SECONDS: Final = 5.0
"""How soon a running worker notices that its topic or index was deleted and created again."""

B = TypeVar("B")

Servers = tuple[KafkaSettings, PostgresSettings, ValkeySettings]


def servers_of(settings: Settings) -> Servers:
    """What every worker needs. Raises ServiceRefused where one of them is not configured."""
    if settings.kafka is None or settings.postgres is None or settings.valkey is None:
        raise ServiceRefused("no servers are configured", hint="`clickstream config check` says what is missing")
    return settings.kafka, settings.postgres, settings.valkey


class Reader(Generic[B]):
    """One consumer or indexer process."""

    def __init__(
        self,
        servers: Servers,
        options: WorkerOptions,
        stop: threading.Event,
        group_id: str,
        make_sink: Callable[[EventConsumer], Sink[B]],
    ) -> None:
        settings, _, valkey = servers
        self._stop = stop
        self._kafka = EventConsumer(
            settings,
            group_id=group_id,
            client_id=options.name,
            on_assigned=self._assigned,
            on_revoked=self._revoked,
            on_lost=self._lost,
            on_uncommitted=self._uncommitted,
        )
        self._sink = make_sink(self._kafka)
        self._partitions, self._queue = self._sink.partitions, self._sink.queue
        self._logger = logging.getLogger(f"clickstream.{self._sink.role}")
        self._backoff = Backoff()
        self._trouble: ClickstreamError | None = None
        self._refusal: ServiceRefused | None = None
        self._busy = self._held = self._leaving = False
        self._rate = Rate()
        self._reporter = Reporter(options.report, stop, on_report=options.on_report)
        self._heartbeats = Heartbeats(valkey, settings, name=options.name, role=self._sink.role)
        self._background = Background("checks")
        self._group_committed = self._checked = time.monotonic()

    def run(self) -> None:
        """Work until the stop event; then finish what is in flight and leave the group."""
        try:
            while not self._stop.is_set():
                self._step()
                if self._refusal:
                    raise self._refusal
        finally:
            self._leave()

    def _step(self) -> None:
        try:
            if self._partitions.waiting and not self._held and self._backoff.due:
                self._partitions.open_assigned()
                self._backoff.succeeded()
                self._trouble = None
            self._sink.collect(0.0)
            self._go_on()
            # Marks may be skipped only when every message before them was taken.
            if self._submit(self._fetch()):
                self._skip_marks()
            self._partitions.raise_if_invalidated(busy=self._busy)
        except ServiceUnavailable as error:
            self._start_over(error)
        except BatchInvalidated as error:
            self._logger.warning("starting over: %s", error)
            self._start_over(None)
            self._partitions.on_failure(error)
        self._look_around()

    def _fetch(self) -> list[FetchedMessages]:
        limits, started = self._sink.limits, time.perf_counter()
        try:
            fetched = self._kafka.fetch(limits.count, wait=limits.wait, gather=limits.gather)
        except OffsetLost as error:
            # Opening the partitions again finds out why: the topic was replaced, or messages were removed.
            self._logger.warning("%s", error)
            self._start_over(None)
            return []
        self._busy = bool(fetched)
        self._sink.totals.fetched(time.perf_counter() - started, some=self._busy)
        return fetched

    def _submit(self, fetched: list[FetchedMessages]) -> bool:
        """Hand the messages over; False when a stop or a hold came first, and the rest is left, to be read again."""
        if self._held:
            return False
        for portion in self._sink.portions(fetched):
            if not self._room():
                return False
            if (batch := self._sink.prepare(portion)) is not None:
                self._sink.submit(batch)
        return True

    def _skip_marks(self) -> None:
        """Move offsets over marks of transactions: where a partition was read to its end, but ends with no message."""
        for number, end in self._kafka.ends.items():
            partition = self._partitions.open.get(number)
            if partition and end > partition.prepared_offset and self._room():
                self._sink.submit(self._sink.skip_to(number, end))

    def _room(self) -> bool:
        """Wait until another batch may be handed over; False when a stop comes first, or it takes too long."""
        deadline = time.monotonic() + self._sink.limits.hold_after
        while self._queue.full and not self._stop.is_set():
            if time.monotonic() > deadline:
                self._held = True
                self._kafka.stop(list(self._partitions.open))
                return False
            self._sink.collect(PATIENCE_SECONDS)
            self._look_around()
        return not self._queue.full

    def _go_on(self) -> None:
        """Read on after a hold, from just behind what was handed over."""
        if self._held and not self._queue.full:
            self._held = False
            for number, partition in self._partitions.open.items():
                self._kafka.start(number, partition.prepared_offset)

    def _start_over(self, trouble: ServiceUnavailable | None) -> None:
        """Forget what is not stored, and have every partition opened again when the pause is over."""
        if trouble is not None and str(trouble) not in {str(self._trouble), str(self._sink.trouble)}:
            self._logger.warning("waiting: %s", trouble)
        self._trouble = trouble
        self._kafka.stop(list(self._partitions.open))
        self._sink.abandon()
        self._commit_group()
        self._partitions.close()
        self._held = False
        self._backoff.failed()

    def _assigned(self, partitions: list[int]) -> None:
        self._sink.totals.counters["rebalances"] += 1
        self._sink.assigned(partitions)

    def _revoked(self, partitions: list[int]) -> None:
        if not self._leaving:
            self._hand_over(partitions)
        self._partitions.drop(partitions)

    def _lost(self, partitions: list[int]) -> None:
        self._partitions.drop(partitions)

    def _uncommitted(self, partitions: list[int]) -> None:
        self._partitions.mark_uncommitted(partitions)

    def _hand_over(self, partitions: Iterable[int]) -> None:
        """Before these go to another worker: store what is in flight, and leave what we know where it finds it."""
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            self._drain(deadline)
            self._sink.secure(partitions, busy=False)
            self._drain(deadline)
        except (ServiceUnavailable, BatchInvalidated) as error:
            self._logger.warning("not stored before giving up partitions, so read again later: %s", error)
            self._start_over(None)
        if len(self._queue) and not self._sink.stored_at_most_once:
            self._start_over(None)
        self._commit_group(wait=True)

    def _drain(self, deadline: float) -> None:
        while len(self._queue) and not self._sink.trouble and time.monotonic() < deadline:
            self._sink.collect(PATIENCE_SECONDS)

    def _commit_group(self, *, wait: bool = False) -> None:
        if not (wait and self._kafka.trouble):
            self._partitions.commit(wait=wait)
        self._group_committed = time.monotonic()

    def _look_around(self) -> None:
        """What is done about once a second, however busy the worker is."""
        if time.monotonic() - self._group_committed >= GROUP_COMMIT_SECONDS:
            self._commit_group()
            self._sink.secure(self._partitions.open, busy=self._busy)
            self._background.offer(self._check)
        if self._reporter.due():
            report = self._report()
            self._reporter.send(report)
            self._heartbeats.send(report)

    def _check(self) -> None:
        """On the thread beside: upkeep, and whether topic and target are still the same."""
        self._sink.maintain()
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            self._partitions.check_topic()
            self._kafka.trouble = None
            self._partitions.check_target()
        except (ServiceUnavailable, AdmissionRefused):
            return
        except ServiceRefused as error:
            self._refusal = error

    def _report(self) -> WorkerReport:
        trouble = self._trouble or self._sink.trouble or self._kafka.barred or self._kafka.trouble
        totals, lags = self._sink.totals, self._partitions.lags()
        messages = totals.counters["messages"]
        rate = self._rate.read(messages)
        report = WorkerReport(
            at=time.time(),
            state="stopping" if self._stop.is_set() else "waiting" if trouble else "running" if rate else "idle",
            detail=str(trouble) if trouble else "",
            partitions=tuple(sorted({*self._partitions.open, *self._partitions.waiting})),
            events=messages,
            events_per_second=rate,
            lag=sum(lags.values()) if lags else None,
            counters=dict(totals.counters),
            first_message_at=totals.first_message_at,
            last_commit_at=totals.last_commit_at,
            cpu_seconds=round(totals.cpu_seconds, 3),
            positions={number: partition.stored_offset for number, partition in self._partitions.open.items()},
        )
        return self._sink.report(report)

    def _leave(self) -> None:
        self._leaving = True
        try:
            self._hand_over(self._partitions.open)
        finally:
            self._kafka.close()
            report = replace(self._report(), state="done")
            self._reporter.send(report, final=True)
            self._heartbeats.end(report)
            self._background.finish(self._sink.close)
        counters = ", ".join(f"{count} {name}" for name, count in self._sink.totals.counters.items())
        self._logger.info("stopped after %s", counters or "nothing")
