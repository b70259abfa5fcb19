"""A consumer: messages of its partitions into PostgreSQL, exactly once, one transaction a batch.

The main thread fetches, decodes and works sessions out; one other thread commits, so that PostgreSQL works on one
batch while the next is prepared. Whatever goes wrong has one cure: forget what is not committed, read each
partition's offset from PostgreSQL and go on from there, as often as it takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from clickstream.config.settings import Settings
from clickstream.domain.errors import (
    ClickstreamError,
    NotAdmitted,
    OffsetLost,
    ServiceRefused,
    ServiceUnavailable,
    Void,
)
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.consumer.commit_queue import Commits, Stored
from clickstream.pipeline.consumer.meter import Meter
from clickstream.pipeline.consumer.ownership import Ownership
from clickstream.pipeline.consumer.partition import Prepared
from clickstream.pipeline.process.heartbeats import Notices
from clickstream.pipeline.process.loop import Background, Backoff, Rate, Reporter
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.consumer import EventConsumer, Fetched

_logger = logging.getLogger("clickstream.consumer")

WAIT_SECONDS: Final = 0.05
"""How long a fetch waits for a first message before the worker looks around."""

GATHER_SECONDS: Final = 0.02
"""How long others may then join it. Few come when the partition is caught up: what is there is stored."""

PATIENCE_SECONDS: Final = 0.5
"""How long one wait for PostgreSQL lasts before the worker looks around."""

DRAIN_SECONDS: Final = 10.0
"""How long a stop or a rebalance waits for what PostgreSQL has in hand."""

GROUP_COMMIT_SECONDS: Final = 1.0

TOPIC_CHECK_SECONDS: Final = 5.0
"""How soon a topic that was deleted and made anew under a running worker is noticed."""


class Worker:
    """One consumer process."""

    def __init__(self, settings: Settings, options: WorkerOptions, stop: threading.Event) -> None:
        if settings.kafka is None or settings.postgres is None or settings.valkey is None:
            raise ServiceRefused("no servers are configured", hint="`clickstream config check` says what is missing")
        self._batch_size = settings.pipeline.batch_size
        self._options = options
        self._stop = stop
        self._owned = Ownership(
            settings,
            (settings.kafka, settings.postgres, settings.valkey),
            name=options.name,
            accept_gap=options.accept_gap,
        )
        self._commits = Commits()
        self._backoff = Backoff()
        self._trouble: ClickstreamError | None = None
        self._meter = Meter(self._batch_size)
        self._reporter = Reporter(options.report, stop, heard=options.heard)
        self._rate = Rate()
        self._notices = Notices(settings.valkey, settings.kafka, name=options.name, role=Role.CONSUMER)
        self._uncommitted: dict[int, int] = {}
        self._group_committed = self._topic_checked = time.monotonic()
        self._busy = False
        self._leaving = False
        self._refusal: ServiceRefused | None = None
        self._background = Background("topic check")
        self._kafka = EventConsumer(
            settings.kafka,
            group_id=settings.pipeline.consumer_group_id,
            client_id=options.name,
            on_assigned=self._assigned,
            on_revoked=self._revoked,
            on_lost=self._owned.dropped,
        )

    def run(self) -> None:
        """Work until the stop event; then finish what PostgreSQL has in hand and leave the group."""
        try:
            while not self._stop.is_set():
                self._step()
                if self._refusal:
                    raise self._refusal
        finally:
            self._leave()

    def _step(self) -> None:
        try:
            if self._owned.waiting and self._backoff.due:
                self._owned.open_waiting(self._kafka)
                self._backoff.succeeded()
                self._trouble = None
            # Marks may be skipped only when every message before them was taken.
            if all(self._take(fetched) for fetched in self._fetch()):
                self._skip_marks()
            self._collect()
            if not self._busy:
                self._owned.check_offsets()
        except ServiceUnavailable as error:
            self._start_over(error)
        except Void as error:
            _logger.warning("starting over: %s", error)
            self._start_over(None)
            self._owned.blame(error)
        self._look_around()

    def _fetch(self) -> list[Fetched]:
        try:
            started = time.perf_counter()
            fetched = self._kafka.fetch(self._batch_size, wait=WAIT_SECONDS, gather=GATHER_SECONDS)
        except OffsetLost as error:
            # Opening the partitions anew finds out why: the topic was replaced, or messages were removed.
            _logger.warning("%s", error)
            self._start_over(None)
            return []
        self._busy = bool(fetched)
        if fetched:
            self._meter.fetched()
        self._meter.spent("fetch" if fetched else "idle", time.perf_counter() - started)
        return fetched

    def _take(self, fetched: Fetched) -> bool:
        """Hand the messages over; False when a stop came first, and they are left for whoever goes on."""
        partition = self._owned.open.get(fetched.partition)
        if partition is None:
            return True
        for piece in fetched.pieces(self._owned.isolation.size(fetched.partition)):
            if not self._room():
                return False
            reason = self._owned.isolation.doomed(piece.partition, piece.first_offset)
            if reason is not None and len(piece.messages) == 1:
                batch: Prepared | None = partition.put_aside(piece.messages[0], f"PostgreSQL refused it: {reason}")
            else:
                batch = partition.prepare(piece, self._owned.lookup, self._meter)
            if batch is not None:
                self._commits.submit(self._owned.store, batch)
        return True

    def _skip_marks(self) -> None:
        for number, end in self._kafka.ends.items():
            partition = self._owned.open.get(number)
            if partition and end > partition.prepared_offset and self._room() and (batch := partition.skip_to(end)):
                self._commits.submit(self._owned.store, batch)

    def _room(self) -> bool:
        """Wait until another batch may be handed over; False when a stop comes first."""
        while self._commits.full and not self._stop.is_set():
            self._collect(PATIENCE_SECONDS)
            self._look_around()
        return not self._commits.full

    def _collect(self, timeout: float = 0.0) -> None:
        for stored in self._commits.done(timeout):
            self._note(stored)

    def _note(self, stored: Stored) -> None:
        number = stored.batch.write.key.partition
        if partition := self._owned.open.get(number):
            partition.committed(stored.batch, stored.outcome.stamp)
        self._owned.stored(number, stored.outcome, events=len(stored.batch.write.events))
        self._uncommitted[number] = stored.batch.write.new_offset
        self._meter.stored(stored)

    def _start_over(self, trouble: ServiceUnavailable | None) -> None:
        """Forget what is not stored, and have every partition opened anew when the pause is over."""
        if trouble is not None and self._trouble is None:
            _logger.warning("waiting: %s", trouble)
        self._trouble = trouble
        self._kafka.stop(list(self._owned.open))
        for stored in self._commits.abandon():
            self._note(stored)
        self._owned.close()
        self._backoff.failed()

    def _assigned(self, partitions: list[int]) -> None:
        self._meter.counters["rebalances"] += 1
        self._owned.assigned(partitions)

    def _revoked(self, partitions: list[int]) -> None:
        """Before these go to another worker: store what is in flight, and leave our knowledge where it finds it."""
        if not self._leaving:
            self._hand_over(partitions)
        self._owned.dropped(partitions)

    def _hand_over(self, partitions: Iterable[int]) -> None:
        self._drain()
        self._owned.keep_windows(partitions)
        self._commit_group(wait=True)

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            while len(self._commits) and time.monotonic() < deadline:
                self._collect(PATIENCE_SECONDS)
        except (ServiceUnavailable, Void) as error:
            _logger.warning("not stored before giving up partitions, so read again later: %s", error)
            self._start_over(None)

    def _commit_group(self, *, wait: bool = False) -> None:
        if not (wait and self._kafka.trouble):
            self._kafka.commit(self._uncommitted, wait=wait)
            self._uncommitted.clear()
        self._group_committed = time.monotonic()

    def _look_around(self) -> None:
        """What is done about once a second, however busy the worker is."""
        if time.monotonic() - self._group_committed >= GROUP_COMMIT_SECONDS:
            self._commit_group()
            if not self._busy:
                self._owned.keep_windows(self._owned.open)
        if time.monotonic() - self._topic_checked >= TOPIC_CHECK_SECONDS:
            self._topic_checked = time.monotonic()
            self._background.offer(self._check_topic)
        if self._reporter.due():
            report = self._report()
            self._reporter.send(report)
            self._notices.post(report)

    def _report(self) -> WorkerReport:
        open_partitions = self._owned.open
        trouble = self._trouble or self._kafka.barred or self._kafka.trouble
        events = self._meter.counters["messages"]
        rate = self._rate.read(events)
        state = "stopping" if self._stop.is_set() else "waiting" if trouble else "running" if rate else "idle"
        ends = {number: self._kafka.known_end(number) for number in open_partitions}
        behind = [max(0, end - open_partitions[n].committed_offset) for n, end in ends.items() if end is not None]
        return WorkerReport(
            at=time.time(),
            state=state,
            detail=str(trouble) if trouble else "",
            partitions=tuple(sorted({*open_partitions, *self._owned.waiting})),
            events=events,
            events_per_second=rate,
            lag=sum(behind) if behind else None,
            active_sessions=sum(partition.window.active_sessions() for partition in open_partitions.values()),
            counters=dict(self._meter.counters),
            latency_counts=self._meter.latency_counts,
            latency_seconds=self._meter.latency_seconds,
            stages=self._meter.shares(),
            batch_fill=self._meter.fill(),
            newest_event_ms=self._meter.newest_event_ms,
            first_message_at=self._meter.first_message_at,
            last_commit_at=self._meter.last_commit_at,
            cpu_seconds=round(self._meter.cpu_seconds, 3),
            positions={number: partition.committed_offset for number, partition in open_partitions.items()},
        )

    def _check_topic(self) -> None:
        try:
            self._owned.check_topic()
        except (ServiceUnavailable, NotAdmitted):
            return
        except ServiceRefused as error:
            self._refusal = error
        self._kafka.trouble = None

    def _leave(self) -> None:
        self._leaving = True
        try:
            self._hand_over(self._owned.open)
        finally:
            self._kafka.close()
            self._owned.close()
            report = replace(self._report(), state="done")
            self._reporter.send(report, final=True)
            self._notices.take_down(report)
            self._background.finish()
        counters = ", ".join(f"{count} {name}" for name, count in self._meter.counters.items())
        _logger.info("stopped after %s", counters or "nothing")
