"""Offsets: what is behind what, and in which order they are read."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.actions.observe import meter as action
from clickstream.actions.observe.meter import LagMeter
from clickstream.actions.observe.offsets import PartitionOffsets, positions
from clickstream.services.kafka.admin import PartitionRange, TopicInfo
from clickstream.services.postgres.inspect import StoredOffset


def test_a_position_beyond_the_end_is_not_a_negative_lag() -> None:
    assert PartitionOffsets(0, 5, 9).lag == 0
    assert PartitionOffsets(2, 9, 5).lag == 4
    assert PartitionOffsets(2, 9, 5).messages == 7


@pytest.mark.parametrize(("reset", "at"), [("earliest", 10), ("latest", 60)])
def test_what_was_never_committed_is_where_it_begins_to_be_read(reset: str, at: int) -> None:
    assert positions({0: 40}, {0: 3, 1: 10}, {0: 50, 1: 60}, reset) == {0: 40, 1: at}


def test_positions_are_read_before_the_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is sent and stored between the two questions, what waits does not vanish."""
    log = {"end": 1_000, "stored": 900}

    def read_offsets(*_: object, **__: object) -> dict[int, StoredOffset]:
        found = {0: StoredOffset(log["stored"], 0.1)}
        log.update(end=9_000, stored=8_900)
        return found

    class Reader:
        def __init__(self, _: object) -> None: ...

        def __exit__(self, *_: object) -> None: ...

        def describe(self, name: str) -> TopicInfo:
            return TopicInfo(name, "a", 1)

        def read(self, _: TopicInfo) -> dict[int, PartitionRange]:
            found = {0: PartitionRange(0, log["end"])}
            log.update(end=17_000, stored=16_900)
            return found

    monkeypatch.setattr(action, "read_offsets", read_offsets)
    monkeypatch.setattr(action, "OffsetReader", Reader)
    monkeypatch.setattr(action, "borrow", lambda _: nullcontext())
    for name in ("kafka_of", "postgres_of"):
        monkeypatch.setattr(action, name, lambda _: SimpleNamespace(events_topic="events"))
    settings: Any = SimpleNamespace(
        pipeline=SimpleNamespace(auto_offset_reset="earliest"), opensearch=SimpleNamespace(enabled=False)
    )
    with LagMeter(settings) as meter:
        assert meter.sample().total >= 100
