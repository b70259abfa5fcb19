"""Offsets are committed only when what is before them is safe in the index, and not merely settled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from clickstream.pipeline.indexer.bulk_queue import BulkQueue, Checkpoint
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.offsets import IndexPosition, Offsets
from clickstream.pipeline.indexer.settler import SettledBatch, ShardFailed

TOPIC = ("clicks", "id")


class RecordingSettler:
    """Stands in for a Settler; records what it did, in order."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def settle(self, batch: Documents, topic: tuple[str, str], cancelled: threading.Event) -> SettledBatch:
        assert self.go_on.wait(60)
        self.log.append(batch.read)
        return SettledBatch(batch.read, 0, 0, 0)

    def secure(self, cancelled: threading.Event) -> None:
        self.log.append("secure")
        if self.failure:
            raise self.failure

    def forget(self) -> None:
        self.log.append("forget")

    def close(self) -> None: ...


class Group:
    """Stands in for the consumer; remembers what was committed."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {}

    def commit(self, offsets: dict[int, int], *, note: str, wait: bool) -> None:
        self.committed |= offsets


@pytest.fixture
def settler() -> RecordingSettler:
    return RecordingSettler()


@pytest.fixture
def queue(settler: RecordingSettler) -> Iterator[BulkQueue]:
    found = BulkQueue(settler)  # type: ignore[arg-type]
    yield found
    settler.go_on.set()
    found.close()


def test_a_checkpoint_secures_the_batches_before_it_and_takes_no_room(
    queue: BulkQueue, settler: RecordingSettler
) -> None:
    queue.submit(Documents(read=1), TOPIC)
    queue.secure(Checkpoint({0: 1}))
    states = [(len(queue), queue.securing, queue.full)]
    queue.submit(Documents(read=2), TOPIC)
    states.append((len(queue), queue.securing, queue.full))
    assert states == [(2, True, False), (3, True, True)]
    settler.go_on.set()
    done: list[Any] = []
    while len(queue):
        done += queue.done(1.0)
    assert settler.log == [1, "secure", 2]
    assert [settled and settled.created for _, settled in done] == [1, None, 2]
    assert done[1][0] == Checkpoint({0: 1})


def test_what_a_checkpoint_finds_out_is_raised(queue: BulkQueue, settler: RecordingSettler) -> None:
    settler.failure = ShardFailed("it has")
    queue.secure(Checkpoint({0: 1}))
    with pytest.raises(ShardFailed):
        list(queue.done(10.0))
    queue.abandon()
    assert settler.log == ["secure", "forget"]


def test_what_is_settled_is_committed_when_it_is_secured() -> None:
    group = Group()
    offsets = Offsets(None, group, None, accept_gap=False)  # type: ignore[arg-type]
    offsets.open = {0: IndexPosition(30, 10, 10), 1: IndexPosition(10, 10, 10)}
    offsets.stored({0: 30})
    offsets.commit()
    assert group.committed == {}
    assert offsets.ahead == {0: 30}
    offsets.secured({0: 20, 7: 5})
    offsets.commit()
    assert group.committed == {0: 20}
    offsets.secured({0: 15})
    offsets.commit()
    assert group.committed == {0: 20}
    assert offsets.ahead == {0: 30}
    offsets.secured({0: 30})
    assert offsets.ahead == {}
