"""The session algebra against its definition: any order, batching, repetition and restart gives the same sessions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickstream.domain.events import EventColumns
from clickstream.pipeline.consumer.partition import late_events
from clickstream.pipeline.sessions import window as window_module
from clickstream.pipeline.sessions.window import NOTHING_STORED, Rows, Span, Window
from tests.algebra import TIMEOUT, MemoryStore, as_columns, batches
from tests.oracle import Event, sessions_of


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "SOFT_LIMIT", 6)
    monkeypatch.setattr(window_module, "HARD_LIMIT", 20)


@pytest.mark.parametrize("examples", [100, pytest.param(600, marks=pytest.mark.slow)])
def test_any_order_batching_repetition_and_restart_gives_the_same_sessions(examples: int) -> None:
    @settings(max_examples=examples)
    @given(batches=batches, in_flight=st.integers(0, 3), restarts=st.sets(st.integers(0, 13)), ordered=st.booleans())
    def holds(batches: list[list[Event]], in_flight: int, restarts: set[int], ordered: bool) -> None:
        if ordered:
            times = iter(sorted(event.time_ms for batch in batches for event in batch))
            batches = [[event._replace(time_ms=next(times)) for event in batch] for batch in batches]
        store, window, waiting = MemoryStore(), Window(TIMEOUT), []
        committed = number = -1
        todo = list(enumerate(batches))
        for index, batch in todo:
            if index in restarts:  # what was prepared and not committed is invalid, and is read again
                lost = [again for _, again, _ in waiting]
                waiting = []
                window = Window(TIMEOUT, mark=store.newest() + 1 if store.events else NOTHING_STORED)
                for again in lost:
                    number += 1
                    change = window.merge(as_columns(again), number, committed, store.lookup)
                    store.apply(change)
                    committed = number
            number += 1
            waiting.append((number, batch, window.merge(as_columns(batch), number, committed, store.lookup)))
            while len(waiting) > in_flight:
                committed, _, change = waiting.pop(0)
                store.apply(change)
        for _, _, change in waiting:
            store.apply(change)
        everything = [event for batch in batches for event in batch]
        assert store.events == set(everything)
        assert set(store.sessions.values()) == sessions_of(everything, TIMEOUT)

    holds()


def test_a_gap_of_exactly_the_timeout_does_not_split() -> None:
    store, window = MemoryStore(), Window(TIMEOUT)
    for number, time in enumerate((0, TIMEOUT, 2 * TIMEOUT + 1)):
        store.apply(window.merge(as_columns([Event(1, time, 0, 1)]), number, number - 1, store.lookup))
    assert sorted((row.start_ms, row.end_ms) for row in store.sessions.values()) == [(0, 10), (21, 21)]


def test_of_two_events_that_differ_only_in_transaction_id_the_first_stays() -> None:
    twice = EventColumns(
        np.array([5, 5]), np.array([1, 1]), np.array([2, 2], np.int8), np.array([9, 9]), np.array([70, 71])
    )
    change = Window(TIMEOUT).merge(twice, 0, -1, MemoryStore().lookup)
    assert change.events.transaction_id.tolist() == [70]


@given(batches=batches, begun=st.integers(0, 13))
def test_late_are_only_new_events(batches: list[list[Event]], begun: int) -> None:
    """What is read again is looked up whatever its time, and does not count; nor do repeats within a batch."""
    store, window = MemoryStore(), Window(TIMEOUT)
    newest = NOTHING_STORED
    for number, batch in enumerate(batches):
        if number == begun and store.events:  # a restart without what was remembered
            window = Window(TIMEOUT, mark=store.newest() + 1)
        new = {event for event in batch if event not in store.events}
        change = window.merge(as_columns(batch), number, number - 1, store.lookup)
        late = late_events(change, window)
        assert late == sum(event.time_ms - TIMEOUT < window.mark for event in new)
        assert late <= change.late
        store.apply(change)
        newest = max([newest, *(event.time_ms for event in batch)])
    again = Window(TIMEOUT, mark=newest + 1)
    change = again.merge(as_columns([event for batch in batches for event in batch]), 99, 98, store.lookup)
    assert late_events(change, again) == 0


def test_events_in_order_are_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "HARD_LIMIT", 200)

    def refuse(_: Span) -> Rows:
        raise AssertionError("looked up an event that is not late")

    window = Window(TIMEOUT)
    for number in range(50):
        batch = [Event(number % 7, number * TIMEOUT // 2 + i, 0, 1) for i in range(3)]
        window.merge(as_columns(batch), number, number - 1, refuse)
    assert window.mark > NOTHING_STORED, "nothing was ever let go, so this test proved nothing"


def test_active_sessions_are_those_the_newest_event_could_extend() -> None:
    window = Window(TIMEOUT)
    batch = [Event(1, 0, 0, 1), Event(2, 90, 0, 1), Event(3, 95, 0, 1), Event(3, 100, 0, 1)]
    window.merge(as_columns(batch), 0, -1, MemoryStore().lookup)
    assert window.active_sessions() == 2
