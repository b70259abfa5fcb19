"""What two samples of offsets say: rates, trend, time to catch up, state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from clickstream.actions.observe.measure import LagMeter, PartitionLag, Sample, compare

from clickstream.actions.observe import measure as action
from clickstream.services.kafka.admin import Offsets, TopicInfo
from clickstream.services.postgres.inspect import StoredOffset


def sample(at: float, end: int, position: int, *, age: float | None = 0.1, topic_id: str = "a") -> Sample:
    return Sample(
        at, TopicInfo("events", topic_id, 1), {0: end}, {0: 0}, {0: position}, {} if age is None else {0: age}
    )


def lag(before: Sample, now: Sample, owner: str | None = "consumer-0") -> PartitionLag:
    return compare(before, now, {0: owner} if owner else {}).partitions[0]


def test_nothing_waits() -> None:
    found = lag(sample(0, 100, 100), sample(2, 300, 300))
    assert (found.lag, found.state, found.seconds_to_catch_up, found.trend) == (0, "OK", 0.0, "steady")
    assert (found.rate_in, found.rate_out) == (100, 100)


def test_it_catches_up() -> None:
    found = lag(sample(0, 100_000, 0), sample(2, 100_000, 20_000))
    assert (found.lag, found.state, found.trend) == (80_000, "OK", "shrinking")
    assert found.seconds_to_catch_up == pytest.approx(8.0)


def test_it_takes_long() -> None:
    assert lag(sample(0, 1_000_000, 0), sample(2, 1_000_000, 2_000)).state == "WARN"


def test_more_comes_in_than_is_stored() -> None:
    found = lag(sample(0, 100_000, 0), sample(1, 120_000, 10_000))
    assert (found.state, found.trend, found.seconds_to_catch_up) == ("WARN", "growing", None)


def test_the_batch_under_way_is_no_lag_to_speak_of() -> None:
    assert lag(sample(0, 10_000, 9_990), sample(1, 11_010, 10_990)).state == "OK"


@pytest.mark.parametrize("owner", [None, "consumer-0"])
def test_nobody_stores_what_waits(owner: str | None) -> None:
    assert lag(sample(0, 100, 0, age=60), sample(1, 100, 0, age=61), owner).state == "STALLED"


def test_a_consumer_that_has_just_begun_is_not_stalled() -> None:
    assert lag(sample(0, 100, 0, age=None), sample(1, 100, 0, age=None)).state == "WARN"


def test_without_a_consumer_it_stalls_at_once() -> None:
    assert lag(sample(0, 100, 50, age=0.1), sample(1, 100, 50, age=1.1), None).state == "STALLED"


def test_a_position_beyond_the_end_is_no_negative_lag() -> None:
    assert compare(sample(0, 5, 9), sample(1, 5, 9), {}).total == 0


def test_a_topic_made_anew_begins_anew() -> None:
    found = lag(sample(0, 1_000_000, 1_000_000), sample(1, 10, 0, topic_id="b"))
    assert (found.rate_in, found.rate_out, found.lag) == (0, 0, 10)


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

        def read(self, _: TopicInfo) -> dict[int, Offsets]:
            found = {0: Offsets(0, log["end"])}
            log.update(end=17_000, stored=16_900)
            return found

    monkeypatch.setattr(action, "read_offsets", read_offsets)
    monkeypatch.setattr(action, "OffsetReader", Reader)
    monkeypatch.setattr(action, "connect", lambda *_, **__: SimpleNamespace(close=lambda: None))
    for name in ("kafka_of", "postgres_of"):
        monkeypatch.setattr(action, name, lambda _: SimpleNamespace(events_topic="events"))
    settings: Any = SimpleNamespace(
        pipeline=SimpleNamespace(auto_offset_reset="earliest"), opensearch=SimpleNamespace(enabled=False)
    )
    with LagMeter(settings) as meter:
        assert meter.sample().total >= 100
