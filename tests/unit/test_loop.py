"""What workers share: the stop event and the report line."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from clickstream.domain.reports import LONGEST_DETAIL, WorkerReport
from clickstream.pipeline.process.loop import Rate, Reporter, install_stop


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


REPORT = WorkerReport(1.5, "running", "half way", (0, 2), 10, 2.5, counters={"failed": 1})


def test_a_report_is_one_json_line(pipe: tuple[int, int]) -> None:
    Reporter(True, threading.Event(), fd=pipe[1]).send(REPORT)
    os.close(pipe[1])
    lines = os.read(pipe[0], 10_000).splitlines()
    assert len(lines) == 1
    report = json.loads(lines[0])
    assert report["state"] == "running"
    assert report["partitions"] == [0, 2]
    assert report["counters"] == {"failed": 1}


def test_a_disabled_reporter_is_silent(pipe: tuple[int, int]) -> None:
    Reporter(False, threading.Event(), fd=pipe[1]).send(REPORT)
    os.close(pipe[1])
    assert os.read(pipe[0], 10) == b""


def test_a_reader_that_is_gone_stops_the_worker(pipe: tuple[int, int]) -> None:
    stop = threading.Event()
    reporter = Reporter(True, stop, fd=pipe[1])
    os.close(pipe[0])
    reporter.send(REPORT)
    assert stop.is_set()


def test_a_reader_that_does_not_read_delays_nothing(pipe: tuple[int, int]) -> None:
    stop = threading.Event()
    reporter = Reporter(True, stop, fd=pipe[1])
    for _ in range(5000):
        reporter.send(WorkerReport(1.0, "running", "x" * 10_000))
    assert not stop.is_set()
    os.close(pipe[1])
    with os.fdopen(pipe[0], "rb") as reader:
        assert {len(json.loads(line)["detail"]) for line in reader} == {LONGEST_DETAIL}


def test_reports_are_due_once_an_interval(pipe: tuple[int, int]) -> None:
    clock = Clock()
    reporter = Reporter(True, threading.Event(), fd=pipe[1], clock=clock)
    assert reporter.due()
    reporter.send(REPORT)
    clock.now += 0.9
    assert not reporter.due()
    clock.now += 0.1
    assert reporter.due()


def test_a_rate_is_growth_by_time() -> None:
    clock = Clock()
    rate = Rate(clock)
    assert rate.read(0) == 0.0
    clock.now += 2
    assert rate.read(100) == 50.0


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_and_the_second_insists(number: signal.Signals) -> None:
    stop = install_stop()
    signal.raise_signal(number)
    assert stop.wait(60)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
