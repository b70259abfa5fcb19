"""A batch of one partition on its way into PostgreSQL: prepared, in the queue of the thread that commits, stored."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from clickstream.pipeline.group.in_flight import InFlight
from clickstream.services.postgres.store import Store
from clickstream.services.postgres.writes import BatchRefused, BatchWrite, Outcome

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch ready to be stored."""

    number: int
    write: BatchWrite
    messages: int
    duplicates: int
    late: int
    """New events that came later than the window remembers: their sessions were looked up."""
    sent_ms: Int64Array
    """Record timestamps of some of the messages, evenly chosen."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch that is in PostgreSQL."""

    outcome: Outcome
    at: float
    """When its transaction was over: Unix seconds."""
    seconds: float
    """How long that took."""


class CommitQueue(InFlight[PreparedBatch, StoredBatch]):
    """The batches in flight. A batch that fails makes those of its partition behind it fail too (the offset)."""

    def submit(self, store: Store, batch: PreparedBatch) -> None:
        self.put(batch, partial(_commit, store, batch))


def _commit(store: Store, batch: PreparedBatch) -> StoredBatch:
    started = time.perf_counter()
    try:
        outcome = store.commit(batch.write)
    except BatchRefused as error:
        error.messages, error.last_offset = batch.messages, batch.write.new_offset - 1
        raise
    return StoredBatch(outcome, at=time.time(), seconds=time.perf_counter() - started)
