"""What became of the messages that were read: out of counters that begin again with each life, and how it is worded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.observe import documents
from clickstream.actions.observe.answers import Answers
from clickstream.actions.observe.model import Frame, Outcomes
from clickstream.actions.observe.outcomes import NAMES, OVER, Life, OutcomeMeter, totals
from clickstream.actions.observe.poll import PollResult
from clickstream.actions.observe.processes import consumer_lives
from clickstream.actions.observe.sources import ValkeyAnswer
from clickstream.cli import frames as texts
from clickstream.cli.output import plain
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot
from clickstream.domain.reports import WorkerReport
from clickstream.services.valkey.heartbeats import Heartbeat
from tests.changing import replace
from tests.tui import frames


def life(began: float, at: float, stored: int = 0, duplicates: int = 0, rejected: int = 0, late: int = 0) -> Life:
    counters = {"stored": stored, "duplicates": duplicates, "rejected": rejected, "late": late, "batches": 3}
    return Life(began, at, counters)


def test_rates_are_those_of_the_last_seconds_by_the_clock_of_the_worker() -> None:
    meter = OutcomeMeter()
    assert meter.sample(100.0, {"a": life(0, 99.9, stored=7_000, late=6)}) is None, "one report says nothing of a rate"
    found = meter.sample(101.3, {"a": life(0, 100.9, stored=7_500, duplicates=40, rejected=2, late=8)})
    assert found == Outcomes(*map(pytest.approx, (500.0, 40.0, 2.0, 2.0)))


def test_a_life_that_began_meanwhile_counts_whole_and_one_that_was_out_of_sight_does_not() -> None:
    meter = OutcomeMeter()
    meter.sample(100.0, {"a": life(0, 100, stored=1_000_000)})
    assert meter.sample(101.0, {}) is None
    back = meter.sample(102.0, {"a": life(0, 102, stored=1_000_500), "b": life(0, 102, stored=9_000_000)})
    assert back == Outcomes(250.0, 0.0, 0.0, 0.0), "b is seen for the first time, and is old"
    new = meter.sample(102.9, {"c": life(100.9, 102.9, duplicates=600)})
    assert new == Outcomes(0.0, 300.0, 0.0, 0.0)


def test_who_does_not_report_any_more_counts_no_more() -> None:
    meter, last = OutcomeMeter(), life(0, 100, stored=10)
    meter.sample(100.0, {"a": life(0, 99)})
    assert meter.sample(100.5, {"a": last}) is not None
    found = [meter.sample(100.5 + second, {"a": last}) for second in range(1, int(OVER) + 2)]
    assert found[-1] is None


steps = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), *[st.integers(0, 1_000)] * 4), min_size=1, max_size=25)


@given(steps)
def test_rates_are_never_more_than_what_happened_in_the_time(steps: list[tuple[str, bool, int, int, int, int]]) -> None:
    """After any restart no figure is negative, and none leaps by what an earlier life counted."""
    meter = OutcomeMeter()
    lives: dict[str, Life] = {name: Life(0.0, 0.0) for name in "ab"}
    for second, (name, restarts, *amounts) in enumerate(steps, start=1):
        before = Life(second - 1.0, second - 1.0) if restarts else lives[name]
        counted = {one: before.counters.get(one, 0) + n for one, n in zip(NAMES, amounts, strict=True)}
        lives[name] = Life(before.began, float(second), counted)
        found = meter.sample(float(second), {f"{one} {known.began}": known for one, known in lives.items()})
        for rate in () if found is None else (found.stored, found.duplicates, found.rejected, found.late):
            assert 0 <= rate <= 2 * 1_000
    whole = totals(lives)
    assert whole
    assert whole.late == sum(one.counters.get("late", 0) for one in lives.values())


def test_consumers_of_this_home_and_elsewhere_count_each_once_and_a_benchmark_s_do_not() -> None:
    def report(stored: int) -> WorkerReport:
        return WorkerReport(50.0, "running", counters={"stored": stored, "duplicates": 1})

    def process(
        name: str, role: Role, pid: int, stored: int, state: ProcessState = ProcessState.RUNNING
    ) -> ProcessStatus:
        return ProcessStatus(name, role, state, pid, 10.0, report=report(stored))

    here = (
        process("consumer-0", Role.CONSUMER, 1, 10),
        process("consumer-1", Role.CONSUMER, 2, 100, ProcessState.STOPPED),
        process("benchmark-0", Role.CONSUMER, 3, 1_000),
        process("indexer-0", Role.INDEXER, 4, 10_000),
        replace(process("consumer-2", Role.CONSUMER, 5, 0), report=None),
    )
    heartbeats = (
        Heartbeat("consumer-0", Role.CONSUMER, "there", 1, 20.0, report(100_000)),
        Heartbeat("indexer-0", Role.INDEXER, "there", 2, 20.0, report(1_000_000)),
    )
    answers = Answers(
        Snapshot(50.0, 9, here), PollResult(), PollResult(), PollResult(ValkeyAnswer(0.2, "9.1", heartbeats), 50.0)
    )
    assert totals(consumer_lives(answers)) == Outcomes(100_010, 2, 0, 0)
    silent = replace(answers, valkey=replace(answers.valkey, error="it hangs"))
    assert totals(consumer_lives(silent)) == Outcomes(10, 1, 0, 0)
    stopped = tuple(replace(one, state=ProcessState.STOPPED) for one in here)
    last = replace(silent, snapshot=Snapshot(50.0, 9, stopped))
    assert totals(consumer_lives(last)) == Outcomes(110, 2, 0, 0), "none runs: what the last lives came to"
    assert totals(consumer_lives(replace(silent, snapshot=None))) is None


def shown(frame: Frame) -> tuple[str, str]:
    """`status` and `lag` as text."""
    return plain(texts.status(frame)), plain(texts.lag(frame))


def test_status_and_lag_tell_what_is_read_from_what_is_stored() -> None:
    status, lag = shown(frames.again())
    assert "read      1,612,472 messages since the consumers started:" in status
    assert "          1,200,000 stored (36 late), 412,459 duplicates, 13 rejected" in status
    assert "rejected  3\n          2 lines of CSV files beside these messages" in status
    assert "read 58.9 k/s: 0/s stored (0/s late), 58.9 k/s duplicates, 10/s rejected" in lag
    counts = documents.status(frames.again())["counts"]
    assert (counts["rejected_events"], counts["rejected_lines"]) == (3, 2)
    assert (counts["duplicates"], counts["late"]) == (412_459, 36)
    found = documents.lag(frames.again())
    assert found["read_per_second"] == 58_900.0
    assert found["outcomes_per_second"] == {"stored": 0.0, "duplicates": 58_890.0, "rejected": 10.0, "late": 0.0}


def test_where_no_consumer_says_more_only_what_is_read_is_told() -> None:
    frame = replace(frames.running(), outcomes=None, outcome_totals=None, stored_per_second=None)
    status, lag = shown(frame)
    assert "duplicates" not in status
    assert "read 58.9 k/s\n" in lag
    assert documents.status(frame)["counts"]["duplicates"] is None
    assert documents.lag(frame)["outcomes_per_second"] is None
