"""Batches on their way into PostgreSQL: the queue of those that wait, and the thread that commits them, in order."""

from __future__ import annotations

import time
from functools import partial

from clickstream.pipeline.consumer.batch import Prepared, Stored
from clickstream.pipeline.group.in_flight import InFlight
from clickstream.services.postgres.store import Store
from clickstream.services.postgres.writes import BatchRefused


class CommitQueue(InFlight[Prepared, Stored]):
    """The batches in flight. A batch that fails makes those of its partition behind it fail too (the offset)."""

    def submit(self, store: Store, batch: Prepared) -> None:
        self.put(batch, partial(_commit, store, batch))


def _commit(store: Store, batch: Prepared) -> Stored:
    started = time.perf_counter()
    try:
        outcome = store.commit(batch.write)
    except BatchRefused as error:
        error.messages, error.last_offset = batch.messages, batch.write.new_offset - 1
        raise
    return Stored(outcome, at=time.time(), seconds=time.perf_counter() - started)
