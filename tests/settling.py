"""A settler in front of a stand-in for OpenSearch, and batches for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clickstream.config.settings import OpenSearchSettings, PostgresSettings
from clickstream.pipeline.events.decode import Message
from clickstream.pipeline.indexer.documents import Documents, documents
from clickstream.pipeline.indexer.settler import SettledBatch, Settler
from clickstream.pipeline.process.loop import Backoff

TOPIC = ("clickstream-events", "id")

POSTGRES = PostgresSettings.model_validate({"PG_HOST": "nowhere.invalid"})


class MessageStandIn:
    """A message of partition 1."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def partition(self) -> int:
        return 1

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return b"7"

    def value(self) -> bytes:
        return b"value %d" % self._offset


class NoBackoff(Backoff):
    """Pauses for nothing."""

    due = True  # type: ignore[assignment]


def batch(count: int) -> Documents:
    events = [Message(1000 + number, 7, "view", number) for number in range(count)]
    found = Documents(lines=documents(events), read=count, next_offsets={1: 100 + count})
    found.messages = [MessageStandIn(100 + number) for number in range(count)]
    return found


def ids(*numbers: int) -> list[str]:
    return [f"7-{1000 + number}-view-{number}" for number in numbers]


NEVER = threading.Event()


@contextmanager
def settling(settings: OpenSearchSettings) -> Iterator[Settler]:
    settler = Settler(settings, POSTGRES, most=100, backoff=NoBackoff)
    yield settler
    settler.close()


def settle(
    settings: OpenSearchSettings, documents_: Documents, *, most: int = 100, cancelled: threading.Event | None = None
) -> SettledBatch:
    settler = Settler(settings, POSTGRES, most=most, backoff=NoBackoff)
    try:
        found = settler.settle(documents_, TOPIC, cancelled or threading.Event())
        assert settler.trouble is None
        return found
    finally:
        settler.close()
