"""A consumer: the reader's sink that stores messages in PostgreSQL, exactly once, one transaction a batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.consumer.batch import CommitQueue, PreparedBatch, StoredBatch
from clickstream.pipeline.consumer.meter import Meter
from clickstream.pipeline.consumer.ownership import Ownership
from clickstream.pipeline.group.reader import Reader, servers_of
from clickstream.pipeline.group.sink import FetchLimits
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.consumer import FetchedMessages

WAIT_SECONDS: Final = 0.05
"""How long a fetch waits for a first message."""

GATHER_SECONDS: Final = 0.02
"""How long others may then join it. Few come when the partition is caught up: what is there is stored."""


def consumer(settings: Settings, options: WorkerOptions, stop: threading.Event) -> Reader[PreparedBatch]:
    """A consumer process; `stop` ends its run. Raises ServiceRefused where a server is not configured."""
    servers = servers_of(settings)
    group = settings.pipeline.consumer_group_id
    return Reader(
        servers,
        options,
        stop,
        group,
        lambda kafka: ConsumerSink(
            settings.pipeline.batch_size,
            Ownership(settings, servers, kafka, name=options.name, accept_gap=options.accept_gap),
        ),
    )


class ConsumerSink:
    """Batches of one partition each, into PostgreSQL."""

    role = Role.CONSUMER
    stored_at_most_once = True  # by the offset, which moves in the same transaction
    trouble: ServiceUnavailable | None = None

    def __init__(self, batch_size: int, partitions: Ownership) -> None:
        self.limits = FetchLimits(batch_size, WAIT_SECONDS, GATHER_SECONDS, hold_after=math.inf)
        self.partitions = partitions
        self.queue = CommitQueue("commit")
        self.totals = Meter(batch_size)

    def assigned(self, partitions: list[int]) -> None:
        self.partitions.assigned(partitions)

    def portions(self, fetched: list[FetchedMessages]) -> Iterator[list[FetchedMessages]]:
        for one in fetched:
            if one.partition in self.partitions.open:
                for piece in one.pieces(self.partitions.sizer.size(one.partition)):
                    yield [piece]

    def prepare(self, portion: list[FetchedMessages]) -> PreparedBatch | None:
        [piece] = portion
        partition = self.partitions.open[piece.partition]
        reason = self.partitions.sizer.poison_message(piece.partition, piece.first_offset)
        if reason is not None and len(piece.messages) == 1:
            return partition.reject(piece.messages[0], f"PostgreSQL refused it: {reason}")
        return partition.prepare(piece, self.partitions.lookup, self.totals)

    def submit(self, batch: PreparedBatch) -> None:
        self.queue.submit(self.partitions.store, batch)

    def skip_to(self, partition: int, end: int) -> PreparedBatch:
        return self.partitions.open[partition].skip_to(end)

    def collect(self, timeout: float) -> None:
        for batch, stored in self.queue.done(timeout):
            self._note(batch, stored)

    def _note(self, batch: PreparedBatch, stored: StoredBatch) -> None:
        self.partitions.stored(batch, stored.outcome)
        self.totals.stored(batch, stored)

    def secure(self, partitions: Iterable[int], *, busy: bool) -> None:
        """Keep the open sessions, so that who goes on need not look them up."""
        if not busy:
            self.partitions.keep_windows(partitions)

    def abandon(self) -> None:
        for batch, stored in self.queue.abandon():
            self._note(batch, stored)

    def maintain(self) -> None:
        """There is nothing to do."""

    def report(self, report: WorkerReport) -> WorkerReport:
        meter = self.totals
        return replace(
            report,
            active_sessions=sum(one.window.active_sessions() for one in self.partitions.open.values()),
            latency_counts=meter.latency_counts,
            latency_seconds=meter.latency_seconds,
            stages=meter.shares(),
            batch_fill=meter.fill(),
            newest_event_ms=meter.newest_event_ms,
        )

    def close(self) -> None:
        self.partitions.close()
