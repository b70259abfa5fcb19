"""An indexer: messages of its partitions into OpenSearch, each event once, however often it is read.

The main thread fetches, decodes and writes documents; one other thread settles them. While OpenSearch does not answer,
that thread tries on, and the main one stays a member of the group with its partitions paused.
"""

from __future__ import annotations

import logging
import threading
import time
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
from clickstream.pipeline.indexer.bulk_queue import Checkpoint, IndexQueue
from clickstream.pipeline.indexer.bulk_settings import Loading
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.figures import Figures
from clickstream.pipeline.indexer.offsets import Offsets
from clickstream.pipeline.indexer.settler import Settler
from clickstream.pipeline.process.heartbeats import Notices
from clickstream.pipeline.process.loop import Background, Backoff, Reporter
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.consumer import EventConsumer, Fetched
from clickstream.services.opensearch.index import EventsIndex

_logger = logging.getLogger("clickstream.indexer")

MOST_DOCUMENTS: Final = 5_000
"""Documents of a bulk: a megabyte. Larger ones are no faster, and cost the server's heap more."""

WAIT_SECONDS: Final = 0.2
"""How long a fetch waits for a first message before the indexer looks around."""

GATHER_SECONDS: Final = 0.2
"""How long others may then join it: a search sees documents after a second only, and each bulk is a sync."""

PATIENCE_SECONDS: Final = 0.5
"""How long one wait for OpenSearch lasts before the indexer looks around."""

HOLD_AFTER: Final = 2.0
"""Seconds that OpenSearch may take for a batch before fetching stops; a member that never polls leaves the group."""

DRAIN_SECONDS: Final = 10.0
"""How long a stop or a rebalance waits for what OpenSearch has in hand."""

GROUP_COMMIT_SECONDS: Final = 1.0

CHECK_SECONDS: Final = 5.0
"""How soon a topic or an index that was deleted and made anew is noticed."""


class IndexWorker:
    """One indexer process."""

    def __init__(self, settings: Settings, options: WorkerOptions, stop: threading.Event) -> None:
        if settings.kafka is None or settings.postgres is None or settings.valkey is None:
            raise ServiceRefused("no servers are configured", hint="`clickstream config check` says what is missing")
        self._stop = stop
        self._most = min(MOST_DOCUMENTS, settings.pipeline.batch_size)
        self._index = EventsIndex(settings.opensearch, patience=0)  # it starts over by itself, and says so
        self._offsets = Offsets(settings.kafka, self._index, accept_gap=options.accept_gap)
        self._settler = Settler(settings.opensearch, settings.postgres, most=self._most)
        self._queue = IndexQueue(self._settler)
        self._loading = Loading(self._index)
        self._background = Background("index check")
        self._backoff = Backoff()
        self._trouble: ClickstreamError | None = None
        self._refusal: ServiceRefused | None = None
        self._index_lost = False
        self._held = self._leaving = False
        self._figures = Figures()
        self._reporter = Reporter(options.report, stop, heard=options.heard)
        self._notices = Notices(settings.valkey, settings.kafka, name=options.name, role=Role.INDEXER)
        self._group_committed = self._checked = time.monotonic()
        self._kafka = EventConsumer(
            settings.kafka,
            group_id=settings.opensearch.consumer_group_id,
            client_id=options.name,
            on_assigned=self._assigned,
            on_revoked=self._revoked,
            on_lost=self._offsets.dropped,
            on_uncommitted=self._offsets.uncommitted,
        )

    def run(self) -> None:
        """Work until the stop event; then finish what OpenSearch has in hand and leave the group."""
        try:
            while not self._stop.is_set():
                self._step()
                if self._refusal:
                    raise self._refusal
        finally:
            self._leave()

    def _step(self) -> None:
        try:
            if self._offsets.waiting and not self._held and self._backoff.due:
                self._offsets.open_waiting(self._kafka)
                self._backoff.succeeded()
                self._trouble = None
            self._collect()
            self._go_on()
            if self._take(self._fetch()):
                self._skip_marks()
            if self._index_lost:
                raise Void("the index was deleted")
        except ServiceUnavailable as error:
            self._start_over(error)
        except Void as error:
            _logger.warning("starting over: %s", error)
            self._start_over(None)
        self._look_around()

    def _fetch(self) -> list[Fetched]:
        try:
            return self._kafka.fetch(self._most, wait=WAIT_SECONDS, gather=GATHER_SECONDS)
        except OffsetLost as error:
            # Opening the partitions anew finds out why: the topic was replaced, or messages were removed.
            _logger.warning("%s", error)
            self._start_over(None)
            return []

    def _take(self, fetched: list[Fetched]) -> bool:
        """Hand the messages over as one batch; False where they are left, to be read again."""
        own = [one for one in fetched if one.partition in self._offsets.open]
        if self._held or (own and not self._room()):
            return False
        batch = Documents()
        for one in own:
            place = self._offsets.open.get(one.partition)
            if place and (fresh := [m for m in one.messages if m.offset() >= place.prepared]):
                batch.add(Fetched(one.partition, fresh))
                place.prepared = batch.next_offsets[one.partition]
        if batch.read:
            self._figures.fetched()
            self._queue.submit(batch, self._offsets.topic)
        return True

    def _room(self) -> bool:
        """Wait until another batch may be handed over; False when a stop comes first, or it takes too long."""
        deadline = time.monotonic() + HOLD_AFTER
        while self._queue.full and not self._stop.is_set():
            if time.monotonic() > deadline:
                self._held = True
                self._kafka.stop(list(self._offsets.open))
                return False
            self._collect(PATIENCE_SECONDS)
            self._look_around()
        return not self._queue.full

    def _go_on(self) -> None:
        """Read on after a hold, from just behind what was handed over."""
        if self._held and not self._queue.full:
            self._held = False
            for partition, place in self._offsets.open.items():
                self._kafka.start(partition, place.prepared)

    def _skip_marks(self) -> None:
        """Move offsets over marks of transactions up to the log's end, where nothing before them is in flight."""
        if len(self._queue):
            return
        for partition, end in self._kafka.ends.items():
            place = self._offsets.open.get(partition)
            if place and end > place.prepared:
                place.prepared = end
                self._offsets.settled({partition: end})

    def _collect(self, timeout: float = 0.0) -> None:
        for one, settled in self._queue.done(timeout):
            if isinstance(one, Checkpoint):
                self._offsets.secured(one.next_offsets)
                self._offsets.commit(self._kafka)
            elif settled is not None:
                self._offsets.settled(one.next_offsets)
                self._figures.settled(one, settled)

    def _secure(self) -> None:
        if ahead := self._offsets.ahead:
            self._queue.secure(Checkpoint(ahead))

    def _start_over(self, trouble: ServiceUnavailable | None) -> None:
        """Forget what is not settled, and have every partition opened anew when the pause is over."""
        if trouble is not None and str(trouble) not in {str(self._trouble), str(self._settler.trouble)}:
            _logger.warning("waiting: %s", trouble)
        self._trouble = trouble
        self._kafka.stop(list(self._offsets.open))
        self._queue.abandon()
        self._commit_group()
        self._offsets.close()
        self._held = self._index_lost = False
        self._backoff.failed()

    def _assigned(self, partitions: list[int]) -> None:
        self._figures.counters["rebalances"] += 1
        self._offsets.assigned(partitions)
        self._loading.reopen()

    def _revoked(self, partitions: list[int]) -> None:
        """Before these go to another indexer: settle and secure what is in flight."""
        if not self._leaving:
            self._hand_over()
        self._offsets.dropped(partitions)

    def _hand_over(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            self._secure()
            while len(self._queue) and not self._settler.trouble and time.monotonic() < deadline:
                self._collect(PATIENCE_SECONDS)
        except (ServiceUnavailable, Void) as error:
            _logger.warning("not indexed before giving up partitions, so read again later: %s", error)
            self._start_over(None)
        if len(self._queue):
            self._start_over(None)
        self._commit_group(wait=True)

    def _commit_group(self, *, wait: bool = False) -> None:
        if not (wait and self._kafka.trouble):
            self._offsets.commit(self._kafka, wait=wait)
        self._group_committed = time.monotonic()

    def _look_around(self) -> None:
        """What is done about once a second, however busy the indexer is."""
        if time.monotonic() - self._group_committed >= GROUP_COMMIT_SECONDS:
            self._commit_group()
            if not self._queue.securing:
                self._secure()
            behind = self._offsets.behind(self._kafka)
            self._background.offer(lambda: self._check(behind))
        if self._reporter.due():
            report = self._report()
            self._reporter.send(report)
            self._notices.post(report)

    def _check(self, behind: int | None) -> None:
        """On the thread beside: settings of the index, and whether topic and index are still the same."""
        self._loading.look(behind)
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            self._offsets.check_topic()
            self._kafka.trouble = None
            self._index_lost = self._index_lost or self._offsets.index_is_another()
        except (ServiceUnavailable, NotAdmitted):
            return
        except ServiceRefused as error:
            self._refusal = error

    def _report(self) -> WorkerReport:
        places = self._offsets.open
        lags = [lag for partition in places if (lag := self._offsets.lag(self._kafka, partition)) is not None]
        return self._figures.report(
            self._trouble or self._settler.trouble or self._kafka.barred or self._kafka.trouble,
            {*places, *self._offsets.waiting},
            {partition: place.settled for partition, place in places.items()},
            sum(lags) if lags else None,
            stopping=self._stop.is_set(),
        )

    def _leave(self) -> None:
        self._leaving = True
        try:
            self._hand_over()
        finally:
            self._kafka.close()
            self._queue.abandon()
            self._queue.close()
            self._background.finish(self._loading.finish)
            self._index.close()
            report = replace(self._report(), state="done")
            self._reporter.send(report, final=True)
            self._notices.take_down(report)
        counters = ", ".join(f"{count} {name}" for name, count in self._figures.counters.items())
        _logger.info("stopped after %s", counters or "nothing")
