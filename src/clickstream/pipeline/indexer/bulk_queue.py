"""Batches on their way into OpenSearch: a short queue and the one thread that settles them, in order.

The order matters: of events that differ only in transaction_id the first must stay, and a checkpoint, which goes
through the same queue, must secure all batches before it. Touches no partition.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from clickstream.pipeline.group.in_flight import DEPTH, InFlight
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.settler import SettledBatch, Settler


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Between two batches."""

    next_offsets: dict[int, int]
    """By partition: what is before this offset is in a batch before the checkpoint, or was secured already."""


class BulkQueue(InFlight[Documents | Checkpoint, SettledBatch | None]):
    """The batches and checkpoints in flight."""

    def __init__(self, settler: Settler) -> None:
        super().__init__("settle")
        self._settler = settler
        self._cancelled = threading.Event()

    @property
    def full(self) -> bool:
        return sum(isinstance(one, Documents) for one, _ in self._in_flight) >= DEPTH

    @property
    def securing(self) -> bool:
        """A checkpoint is in flight."""
        return any(isinstance(one, Checkpoint) for one, _ in self._in_flight)

    def submit(self, batch: Documents, topic: tuple[str, str]) -> None:
        """`topic`: name and id."""
        self.put(batch, partial(self._settler.settle, batch, topic, self._cancelled))

    def secure(self, checkpoint: Checkpoint) -> None:
        """It is done when all batches before it are safe on the server's disk."""
        self.put(checkpoint, partial(self._settler.secure, self._cancelled))

    def abandon(self) -> list[tuple[Documents | Checkpoint, SettledBatch | None]]:
        """Give up what is in flight, once the server has answered to what it works on, and what is not secured."""
        self._cancelled.set()
        done = super().abandon()
        self._cancelled.clear()
        self._settler.forget()
        return done

    def close(self) -> None:
        """Nothing may be in flight any more."""
        self._thread.shutdown()
        self._settler.close()
