"""Delays between restarts grow, vary, reset and end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.processes import RestartPolicy
from clickstream.supervision.backoff import RestartBackoff

POLICY = RestartPolicy(first_delay=1, max_delay=5, healthy_after=20, give_up_after=5)


def longest(low: float, high: float) -> float:
    return high


def test_delays_double_up_to_the_longest_then_it_gives_up() -> None:
    backoff = RestartBackoff(POLICY, longest)
    assert [backoff.died(0) for _ in range(5)] == [1, 2, 4, 5, None]


def test_a_healthy_life_starts_the_count_again() -> None:
    backoff = RestartBackoff(POLICY, longest)
    assert [backoff.died(seconds) for seconds in (0, 19.9, 0, 20, 0)] == [1, 2, 4, 1, 2]


@given(st.lists(st.floats(0, 100), max_size=3000), st.floats(0.001, 10), st.floats(0.001, 100))
def test_every_delay_lies_between_half_and_the_whole(lives: list[float], first: float, most: float) -> None:
    policy = RestartPolicy(first_delay=first, max_delay=most, healthy_after=20, give_up_after=10_000)
    jittered, whole = RestartBackoff(policy), RestartBackoff(policy, longest)
    for life in lives:
        delay, limit = jittered.died(life), whole.died(life)
        assert delay is not None
        assert limit is not None
        assert limit / 2 <= delay <= limit <= most
