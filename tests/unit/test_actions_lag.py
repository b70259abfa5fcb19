"""What two samples of offsets say: rates, trend, time to catch up, state."""

from __future__ import annotations

import pytest

from clickstream.actions.lag import PartitionLag, Sample, compare
from clickstream.services.kafka.admin import TopicInfo


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
