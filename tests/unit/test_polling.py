"""Asking in threads: answers, faults, silence, and how often."""

from __future__ import annotations

import threading
import time

import pytest

from clickstream.actions.observe.poll import Poller, PollResult, Skipped, to_next_beat
from clickstream.domain.errors import ServiceUnavailable
from tests.waiting import wait_until


def test_answers_are_kept_with_their_time() -> None:
    poller = Poller("test", lambda: 7, every=0.01)
    poller.start()
    wait_until(lambda: poller.result.value == 7, "an answer")
    poller.stop()
    assert poller.result.at > 0


@pytest.mark.parametrize(
    ("error", "words"),
    [(ServiceUnavailable("Kafka", "gone"), "Kafka does not answer: gone"), (KeyError("x"), "internal error: KeyError")],
)
def test_a_fault_keeps_the_last_answer_and_its_time(error: Exception, words: str) -> None:
    broken = threading.Event()

    def ask() -> int:
        if broken.is_set():
            raise error
        return 7

    poller = Poller("test", ask, every=0.01)
    poller.start()
    wait_until(lambda: poller.result.value == 7, "an answer")
    broken.set()
    wait_until(lambda: poller.result.error.startswith(words), "the fault")
    at = poller.result.at
    wait_until(lambda: poller.result.asked_at is None, "a moment between two questions")
    assert (poller.result.value, poller.result.at) == (7, at)
    broken.clear()
    wait_until(lambda: not poller.result.error, "an answer again")
    poller.stop()


def test_a_source_that_hangs_is_seen_to_hang_and_keeps_no_one_waiting() -> None:
    released = threading.Event()
    poller = Poller("test", lambda: released.wait(30), every=0.01)
    poller.start()
    wait_until(lambda: poller.result.silent_for(time.time()) > 0.05, "it is silent")
    assert poller.result.value is None
    poller.stop()
    released.set()


def test_no_server_to_ask() -> None:
    def ask() -> int:
        raise Skipped("stopped")

    poller = Poller("test", ask, every=0.01)
    poller.start()
    wait_until(lambda: poller.result.skipped == "stopped", "it has asked")
    poller.stop()
    assert poller.result.error == ""


def test_a_poller_with_a_twentieth_of_the_time_rests_nineteen_times_as_long_as_it_worked() -> None:
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        time.sleep(0.02)  # the work that the rest is measured by

    poller = Poller("test", ask, every=0.0, share=0.05)
    poller.start()
    wait_until(lambda: len(asked) == 2, "it has asked twice")
    poller.stop()
    assert asked[1] - asked[0] >= 0.4


def test_who_comes_after_another_asks_when_that_one_has_answered() -> None:
    asked: list[str] = []
    answer = threading.Event()

    def ask_first() -> None:
        answer.wait(30)
        asked.append("first")

    first = Poller("first", ask_first, every=3_600)
    second = Poller("second", lambda: asked.append("second"), every=3_600, after=first)
    second.start()
    first.start()
    answer.set()
    wait_until(lambda: len(asked) == 2, "both have asked")
    first.stop()
    second.stop()
    assert asked == ["first", "second"]


def test_who_comes_after_one_that_hangs_waits_for_a_moment_only() -> None:
    released = threading.Event()
    first = Poller("first", lambda: released.wait(30))
    second = Poller("second", lambda: 7, after=first)
    first.start()
    second.start()
    wait_until(lambda: second.result.value == 7, "an answer")
    assert first.result.value is None
    released.set()
    first.stop()
    second.stop()


def test_nothing_is_silent_that_was_not_asked() -> None:
    result: PollResult[int] = PollResult()
    assert result.silent_for(5.0) == 0.0


@pytest.mark.parametrize(("now", "every", "pause"), [(12.25, 1.0, 0.75), (12.0, 1.0, 1.0), (12.25, 5.0, 2.75)])
def test_sources_with_one_interval_are_asked_at_the_same_time(now: float, every: float, pause: float) -> None:
    assert to_next_beat(now, every) == pause
