"""An indexer: the reader's sink that writes messages into OpenSearch, each event once, however often it is read.

While OpenSearch does not answer, the thread that settles batches tries on, and the reader stays a member of the group
with its partitions paused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Final

from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.group.reader import Reader, servers_of
from clickstream.pipeline.group.sink import FetchLimits, Totals
from clickstream.pipeline.indexer.bulk_queue import BulkQueue, Checkpoint
from clickstream.pipeline.indexer.bulk_settings import BulkSettings
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.offsets import Offsets
from clickstream.pipeline.indexer.settler import Settler
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.consumer import FetchedMessages
from clickstream.services.opensearch.index import EventsIndex

MOST_DOCUMENTS: Final = 5_000
"""Documents of a bulk: a megabyte. Larger bulks are not faster, and need more of the server's heap."""

WAIT_SECONDS: Final = 0.2
"""How long a fetch waits for a first message."""

GATHER_SECONDS: Final = 0.2
"""How long others may then join it: a search sees documents after a second only, and each bulk is a sync."""

HOLD_AFTER: Final = 2.0
"""Seconds that OpenSearch may take for a batch before fetching stops."""


def indexer(settings: Settings, options: WorkerOptions, stop: threading.Event) -> Reader[Documents]:
    """An indexer process; `stop` ends its run. Raises ServiceRefused where a server is not configured."""
    kafka_settings, postgres, _ = servers = servers_of(settings)
    most = min(MOST_DOCUMENTS, settings.pipeline.batch_size)
    index = EventsIndex(settings.opensearch, patience=0)  # it starts over by itself, and says so
    settler = Settler(settings.opensearch, postgres, most=most)
    return Reader(
        servers,
        options,
        stop,
        settings.opensearch.consumer_group_id,
        lambda kafka: IndexerSink(
            most, Offsets(kafka_settings, kafka, index, accept_gap=options.accept_gap), index, settler
        ),
    )


class IndexerSink:
    """Batches of all partitions together, into OpenSearch."""

    role = Role.INDEXER
    stored_at_most_once = False

    def __init__(self, most: int, partitions: Offsets, index: EventsIndex, settler: Settler) -> None:
        self.limits = FetchLimits(most, WAIT_SECONDS, GATHER_SECONDS, HOLD_AFTER)
        self.partitions = partitions
        self.queue = BulkQueue(settler)
        self.totals = Totals()
        """`duplicates` counts what was sent again after a fault, too; `undecodable` what the consumers keep."""
        self._index = index
        self._settler = settler
        self._bulk_settings = BulkSettings(index)
        self._behind: int | None = None

    @property
    def trouble(self) -> ServiceUnavailable | None:
        return self._settler.trouble

    def assigned(self, partitions: list[int]) -> None:
        self.partitions.assigned(partitions)
        self._bulk_settings.reopen()

    def portions(self, fetched: list[FetchedMessages]) -> list[list[FetchedMessages]]:
        own = [one for one in fetched if one.partition in self.partitions.open]
        return [own] if own else []

    def prepare(self, portion: list[FetchedMessages]) -> Documents | None:
        batch = Documents()
        for one in portion:
            place = self.partitions.open[one.partition]
            if fresh := [message for message in one.messages if message.offset() >= place.prepared_offset]:
                batch.add(FetchedMessages(one.partition, fresh))
                place.prepared_offset = batch.next_offsets[one.partition]
        return batch if batch.read else None

    def submit(self, batch: Documents) -> None:
        self.queue.submit(batch, self.partitions.topic)

    def skip_to(self, partition: int, end: int) -> Documents:
        self.partitions.open[partition].prepared_offset = end
        return Documents(next_offsets={partition: end})

    def collect(self, timeout: float) -> None:
        for one, settled in self.queue.done(timeout):
            if isinstance(one, Checkpoint):
                self.partitions.secured(one.next_offsets)
                self.partitions.commit()
            elif settled is not None:
                self.partitions.stored(one.next_offsets)
                self.totals.add(
                    time.time(),
                    messages=one.read,
                    stored=settled.created,
                    duplicates=settled.duplicates,
                    rejected=settled.refused,
                    undecodable=one.read - len(one.lines),
                    again=settled.again,
                )

    def secure(self, partitions: Iterable[int], *, busy: bool) -> None:
        """Have what is settled made safe on the server's disk; its offsets are committed then."""
        if not self.queue.securing and (ahead := self.partitions.ahead):
            self.queue.secure(Checkpoint(ahead))
        self._behind = self.partitions.behind()

    def abandon(self) -> None:
        self.queue.abandon()

    def maintain(self) -> None:
        self._bulk_settings.adapt(self._behind)

    def report(self, report: WorkerReport) -> WorkerReport:
        return report

    def close(self) -> None:
        self.queue.abandon()
        self.queue.close()
        self._bulk_settings.finish()
        self._index.close()
