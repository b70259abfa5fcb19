"""Pacing, with a clock that the test turns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import UsageError
from clickstream.domain.pace import FULL_SPEED, Pace
from clickstream.pipeline.producer.pacing import LARGEST_BACKLOG, EvenPlan, EventTimePlan, Pacer, Plan, UnlimitedPlan


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def timeline(plan: Plan, count: int, clock: Clock) -> list[tuple[float, int]]:
    """(seconds after the start, events) of each hand-over, when the caller waits as long as it is told."""
    pacer, sent, steps = Pacer(plan, count, clock), 0, []
    while sent < count:
        allowed, delay = pacer.allow(sent)
        if allowed:
            steps.append((clock.now - 1000.0, allowed))
            sent += allowed
        else:
            assert delay > 0
            clock.now += delay
    return steps


@pytest.mark.parametrize(("text", "factor"), [("5x", 5.0), ("0.5x", 0.5), ("5", 5.0), (".5X", 0.5), (" 1x ", 1.0)])
def test_a_factor_is_read(text: str, factor: float) -> None:
    assert Pace.of_factor(text) == Pace(realtime=factor)


@pytest.mark.parametrize(
    "text", ["", "x", "0", "0x", "0.0", "-1", "-5x", "nan", "inf", "1e3", "5xx", "fast", "5 x", "٣x"]
)
def test_another_factor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a speed"):
        Pace.of_factor(text)


@given(st.text(max_size=8))
def test_a_pace_is_positive_and_finite_or_refused(text: str) -> None:
    for read in (Pace.of_factor, Pace.of_rate, Pace.of):
        try:
            pace = read(text)
        except UsageError:
            continue
        assert all(0 < number < math.inf for number in (pace.rate, pace.realtime) if number is not None)


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_a_pace_survives_the_command_line_of_a_worker(number: float) -> None:
    for pace in (Pace(rate=number), Pace(realtime=number)):
        option, text = pace.arguments()
        assert (Pace.of_rate if option == "--rate" else Pace.of_factor)(text) == pace


@pytest.mark.parametrize(
    ("text", "pace"),
    [("500", Pace(rate=500.0)), ("2,000/s", Pace(rate=2000.0)), (" 5X ", Pace(realtime=5.0)), ("full", FULL_SPEED)],
)
def test_a_pace_in_one_word(text: str, pace: Pace) -> None:
    assert Pace.of(text) == pace


@pytest.mark.parametrize("number", [0.0, -1.0, math.nan, math.inf])
def test_rates_and_factors_out_of_range_are_refused(number: float) -> None:
    with pytest.raises(UsageError, match="is not a rate"):
        Pace(rate=number)
    with pytest.raises(UsageError, match="is not a speed"):
        Pace(realtime=number)
    with pytest.raises(UsageError, match="exclude one another"):
        Pace(rate=1.0, realtime=1.0)


def test_at_once_allows_everything() -> None:
    assert timeline(UnlimitedPlan(5000), 5000, Clock()) == [(0.0, 5000)]


@pytest.mark.parametrize("rate", [0.5, 3.0, 40.0, 1000.0, 250_000.0])
def test_an_even_rate_is_kept_in_small_steps(rate: float) -> None:
    count = max(5, int(rate * 3))
    steps = timeline(EvenPlan(rate), count, Clock())
    sent = 0
    for at, events in steps:
        assert sent <= at * rate + 1e-6, "never early: the event before the step was not due before it"
        sent += events
        assert sent <= at * rate + 1 + 1e-6
        assert events <= max(1, rate * 0.05), "no burst"
    assert steps[-1][0] == pytest.approx((count - 1) / rate, abs=0.05)


@given(
    st.lists(st.integers(0, 100_000), min_size=1, max_size=50),
    st.sampled_from([0.5, 1.0, 5.0, 400.0]),
)
def test_event_time_is_followed(times: list[int], factor: float) -> None:
    time_ms = np.array(sorted(times))
    due = (time_ms - time_ms[0]) / 1000 / factor
    sent = 0
    for at, events in timeline(EventTimePlan(time_ms, factor), len(time_ms), Clock()):
        assert (due[sent : sent + events] <= at + 1e-6).all(), "never early"
        assert due[sent] >= at - 0.0251, "late by a step at most"
        sent += events


def test_a_long_gap_is_one_long_delay() -> None:
    clock = Clock()
    pacer = Pacer(EventTimePlan(np.array([0, 3_600_000]), 1.0), 2, clock)
    assert pacer.allow(0) == (1, 0.0)
    assert pacer.allow(1) == (0, pytest.approx(3600.0))


def test_a_stall_is_not_caught_up_beyond_a_second() -> None:
    clock = Clock()
    pacer = Pacer(EvenPlan(100.0), 1_000_000, clock)
    assert pacer.allow(0) == (1, 0.0)
    clock.now += 60
    allowed, _ = pacer.allow(1)
    assert allowed == pytest.approx(100 * LARGEST_BACKLOG, abs=1)
    clock.now += 1
    assert pacer.allow(1 + allowed)[0] == pytest.approx(100, abs=1)


def test_the_end_is_the_end() -> None:
    pacer = Pacer(EvenPlan(10.0), 3, Clock())
    assert pacer.allow(3) == (0, 0.0)
