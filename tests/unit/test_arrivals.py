"""How long the oldest message that is not stored waits, out of looks at the ends."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from clickstream.actions.observe.arrivals import AGES, MOST_SAMPLES, Arrivals, past_ends
from clickstream.services.kafka.admin import TopicInfo

TOPIC = TopicInfo("events", "a", 1)


def test_messages_between_two_samples_came_evenly() -> None:
    arrivals = Arrivals([(100.0, {0: 0}), (110.0, {0: 1_000})])
    assert arrivals.waited(0, 500, 120.0) == pytest.approx(15.0)
    assert arrivals.waited(0, 0, 120.0) == pytest.approx(20.0)


def test_what_came_before_the_first_look_waits_at_least_since_then() -> None:
    assert Arrivals([(100.0, {0: 50}), (110.0, {0: 60})]).waited(0, 10, 120.0) == pytest.approx(20.0)


@pytest.mark.parametrize(("partition", "position"), [(0, 60), (7, 0)])
def test_what_no_look_has_seen_is_not_known(partition: int, position: int) -> None:
    assert Arrivals([(100.0, {0: 50}), (110.0, {0: 60})]).waited(partition, position, 120.0) is None


def test_a_look_is_taken_once() -> None:
    arrivals = Arrivals()
    arrivals.sample(1.0, {0: 10})
    arrivals.sample(1.0, {0: 99})
    assert arrivals.waited(0, 5, 3.0) == pytest.approx(2.0)
    assert arrivals.waited(0, 50, 3.0) is None


def test_forgetting_what_is_stored_changes_no_answer() -> None:
    whole, short = Arrivals(), Arrivals()
    for second in range(100):
        for one in (whole, short):
            one.sample(float(second), {0: second * 10, 1: second * 20})
        short.forget_before({0: second * 10 - 35, 1: second * 20 - 35})
    for partition, position in ((0, 957), (1, 1_950)):
        assert short.waited(partition, position, 120.0) == whole.waited(partition, position, 120.0)
    assert len(short._samples) < 10 < len(whole._samples)


def test_a_partition_that_stands_does_not_make_it_grow_endlessly() -> None:
    arrivals = Arrivals()
    for second in range(3 * MOST_SAMPLES):
        arrivals.sample(float(second), {0: second})
    assert len(arrivals._samples) <= MOST_SAMPLES
    assert arrivals.waited(0, 5, float(3 * MOST_SAMPLES)) == pytest.approx(3 * MOST_SAMPLES - 5, abs=1)


def test_the_past_is_asked_for_from_the_oldest_on() -> None:
    class Reader:
        def read_ends_at(self, topic: TopicInfo, unix_ms: int) -> Mapping[int, int | None]:
            assert topic is TOPIC
            asked.append(unix_ms)
            return {0: None if len(asked) == len(AGES) else len(asked)}

    asked: list[int] = []
    looks = past_ends(Reader(), TOPIC, {0: 1_000})
    assert asked == sorted(asked)
    assert [ends[0] for _, ends in looks] == [*range(1, len(AGES)), 1_000], "nothing came since: the end of now"
