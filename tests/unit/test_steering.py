"""Steering a producer that runs: a new pace from where it is, pause and resume, orders that are none."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.pace import Pace
from clickstream.pipeline.process.loop import read_lines
from clickstream.pipeline.producer.pacing import EvenPlan, EventTimePlan, Pacer, UnlimitedPlan
from clickstream.pipeline.producer.steering import Order, Orders, Pause, Resume, order_line

TIMES = np.arange(0, 1_000_000, 1000)
"""A thousand events, one a second."""


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def told(steering: Orders, *orders: Order) -> None:
    for order in orders:
        steering.receive(order_line(order).encode())


def test_a_new_rate_starts_from_where_it_is() -> None:
    clock = Clock()
    pacer = Pacer(EvenPlan(10.0), 1000, clock)
    assert pacer.allow(0) == (1, 0.0)
    clock.now += 0.5
    assert pacer.allow(1) == (5, 0.0)
    pacer.follow(EvenPlan(100.0), 6)
    assert pacer.allow(6) == (1, 0.0)
    clock.now += 0.5
    assert pacer.allow(7) == (50, 0.0)


def test_event_time_is_followed_from_the_next_event_on() -> None:
    clock = Clock()
    pacer = Pacer(UnlimitedPlan(1000), 1000, clock)
    pacer.follow(EventTimePlan(TIMES[400:], 2.0), 400)
    assert pacer.allow(400) == (1, 0.0)
    assert pacer.allow(401) == (0, pytest.approx(0.5))
    clock.now += 1.0
    assert pacer.allow(401) == (2, 0.0)


def test_full_speed_allows_all_that_is_left() -> None:
    pacer = Pacer(EvenPlan(1.0), 1000, Clock())
    pacer.follow(UnlimitedPlan(1000 - 7), 7)
    assert pacer.allow(7) == (993, 0.0)


def test_a_pause_allows_nothing_and_is_not_arrears() -> None:
    clock = Clock()
    pacer = Pacer(EvenPlan(10.0), 1000, clock)
    assert pacer.allow(0) == (1, 0.0)
    pacer.pause()
    pacer.pause()
    clock.now += 3600
    allowed, delay = pacer.allow(1)
    assert allowed == 0
    assert delay > 0
    pacer.resume()
    pacer.resume()
    assert pacer.allow(1) == (0, pytest.approx(0.1))


def test_a_pace_set_during_a_pause_waits_for_its_end() -> None:
    clock = Clock()
    pacer = Pacer(EvenPlan(10.0), 1000, clock)
    pacer.pause()
    pacer.follow(EvenPlan(100.0), 0)
    assert pacer.allow(0)[0] == 0
    clock.now += 60
    pacer.resume()
    assert pacer.allow(0) == (1, 0.0)


def test_orders_are_obeyed_once() -> None:
    steering, pacer = Orders(Pace()), Pacer(UnlimitedPlan(1000), 1000, Clock())
    assert not steering.apply(pacer, TIMES, 0)
    told(steering, Pause())
    assert steering.apply(pacer, TIMES, 0)
    assert not steering.apply(pacer, TIMES, 0)
    assert pacer.allow(0)[0] == 0
    told(steering, Pace(rate=5.0), Resume())
    assert steering.apply(pacer, TIMES, 10)
    assert pacer.allow(10) == (1, 0.0)
    assert str(steering.pace) == "5 events/s"


def test_the_pace_at_the_start_is_that_of_the_command_line() -> None:
    steering = Orders(Pace(realtime=5.0))
    assert (steering.paused, str(steering.pace)) == (False, "5x realtime")
    told(steering, Pace())
    assert str(steering.pace) == "full speed"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"nonsense", b'{"type":"stop"}', b'{"type":"pace","rate":"9"}', b'{"type":"pace","rate":0}',
        b'{"type":"pace","rate":-1}', b'{"type":"pace","realtime":0}', b'{"type":"pace","rate":1,"realtime":1}',
        b'{"type":"pace","rate":1e999}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_not_an_order_changes_nothing(line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    steering = Orders(Pace(rate=7.0))
    steering.receive(line)
    assert (steering.paused, steering.pace) == (False, Pace(rate=7.0))
    assert "Not an order" in caplog.text


@given(st.binary(max_size=60))
def test_no_line_is_a_fault(line: bytes) -> None:
    Orders(Pace()).receive(line)


def test_lines_are_heard_whole_until_the_other_end_closes() -> None:
    reader, writer = os.pipe()
    heard: list[bytes] = []
    two, all_ = threading.Event(), threading.Event()

    def hear(line: bytes) -> None:
        heard.append(line)
        if len(heard) == 2:
            two.set()
        if len(heard) == 3:
            all_.set()

    read_lines(reader, hear)
    os.write(writer, b"one\ntwo\nthr")
    assert two.wait(60)
    os.write(writer, b"ee\n")
    assert all_.wait(60)
    os.close(writer)
    assert heard == [b"one", b"two", b"three"]
