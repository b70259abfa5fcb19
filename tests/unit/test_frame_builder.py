"""Frames made of answers: true lag, rates, owners, what happens to figures when a server goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.observe.answers import Answers
from clickstream.actions.observe.build import KEPT, FrameBuilder
from clickstream.actions.observe.model import (
    ASKING,
    DOWN,
    LAGGING,
    NO_ANSWER,
    OFF,
    STALLED,
    UP,
    Figure,
    Outcomes,
    StoredCounts,
)
from clickstream.actions.observe.poll import PollResult
from clickstream.actions.observe.sources import (
    KafkaAnswer,
    LiveSettings,
    OpenSearchAnswer,
    PostgresAnswer,
    ValkeyAnswer,
)
from clickstream.config.settings import load_settings
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot
from clickstream.domain.reports import WorkerReport
from clickstream.services.postgres.inspect import StoredOffset
from clickstream.services.postgres.verify import Verification
from tests.changing import replace


class Clock:
    """One that only moves when told to; for both of the clocks that are read."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FrameBuilder:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "PG_HOST", "VALKEY_HOST"):
        monkeypatch.setenv(name, "127.0.0.1:1" if name.startswith("KAFKA") else "127.0.0.1")
    return FrameBuilder(LiveSettings(load_settings))


Say = Callable[..., Answers]


@pytest.fixture
def say(clock: Clock) -> Say:
    """Answers of now: ends and stored offsets by partition."""

    def answers(
        ends: dict[int, int], stored: dict[int, int], *, topic: str = "one", begin: int = 0, snapshot: object = None
    ) -> Answers:
        kafka = KafkaAnswer(1.0, None, topic, dict.fromkeys(ends, begin), ends, read_at=clock.now)
        offsets = {partition: StoredOffset(offset, 0.5) for partition, offset in stored.items()}
        postgres = PostgresAnswer(0.4, "18.6", {topic: offsets}, read_at=clock.now)
        return Answers(
            snapshot,  # type: ignore[arg-type]
            PollResult(kafka, clock.now),
            PollResult(postgres, clock.now),
            PollResult(ValkeyAnswer(0.2, "9.1"), clock.now),
        )

    return answers


def consumer(clock: Clock, *partitions: int, age: float = 0.0) -> Snapshot:
    report = WorkerReport(clock.now - age, "running", partitions=partitions, events_per_second=500.0, active_sessions=7)
    state = ProcessStatus("consumer-0", Role.CONSUMER, ProcessState.RUNNING, 1, clock.now - 60, report=report)
    return Snapshot(clock.now, 1, (state,))


def test_lag_counts_from_the_start_of_the_log_where_nothing_was_committed(builder: FrameBuilder, say: Say) -> None:
    frame = builder.build(say({0: 100, 1: 50}, {0: 90}, begin=20))
    assert [(row.position, row.lag) for row in frame.partitions] == [(90, 10), (20, 30)]
    assert frame.lag == 40


def test_lag_is_never_negative(builder: FrameBuilder, say: Say) -> None:
    assert builder.build(say({0: 100}, {0: 130})).lag == 0  # Kafka has lost messages that are stored


def later(good: Answers, *, kafka: Answers | None = None, postgres: Answers | None = None) -> Answers:
    """The answers, with one server's taken from others."""
    return replace(good, kafka=(kafka or good).kafka, postgres=(postgres or good).postgres)


def test_positions_that_are_newer_than_the_ends_do_not_hide_what_waits(
    builder: FrameBuilder, say: Say, clock: Clock
) -> None:
    first = say({0: 1_000}, {0: 900})
    assert builder.build(first).lag == 100
    at = clock.now
    clock.now += 1
    second = say({0: 2_000}, {0: 1_900})
    # PostgreSQL has answered, Kafka not yet: 1,900 is beyond the end of a second ago, and 100 messages wait all along.
    frame = builder.build(later(first, postgres=second))
    assert (frame.lag, frame.partitions[0].position, frame.partitions[0].as_of) == (100, 900, at)
    assert frame.read_per_second == pytest.approx(1_000)
    frame = builder.build(second)
    assert (frame.lag, frame.partitions[0].as_of) == (100, clock.now)


def test_before_the_first_ends_after_the_first_positions_nothing_is_said(
    builder: FrameBuilder, say: Say, clock: Clock
) -> None:
    kafka = say({0: 1_000}, {})
    clock.now += 1
    postgres = say({}, {0: 1_000})
    frame = builder.build(later(kafka, postgres=postgres))
    assert (frame.lag, frame.partitions) == (None, ())


def test_a_lag_moves_while_postgresql_hangs(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    good = say({0: 1_000}, {0: 900})
    builder.build(good)
    at = clock.now
    clock.now += 20
    frame = builder.build(later(good, kafka=say({0: 5_000}, {})))
    assert (frame.lag, frame.partitions[0].as_of) == (4_100, at)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), min_size=1, max_size=15),
)
def test_a_lag_is_what_waited_at_some_instant_between_its_two_readings(
    steps: list[tuple[int, int]], looks: list[tuple[int, int]]
) -> None:
    """Whatever is produced and stored, and whenever each server is read: never less than what truly waited then."""
    ends, positions = [0], [0]
    for sent, stored in steps:
        ends.append(ends[-1] + sent)
        positions.append(min(ends[-1], positions[-1] + stored))
    builder = FrameBuilder(LiveSettings(load_settings))
    last = len(steps)
    times = [(min(k, last), min(p, last)) for k, p in looks]
    for kafka_at, postgres_at in zip(sorted(k for k, _ in times), sorted(p for _, p in times), strict=True):
        kafka = KafkaAnswer(1.0, None, "one", {0: 0}, {0: ends[kafka_at]}, read_at=float(kafka_at))
        offsets = {0: StoredOffset(positions[postgres_at], 0.5)}
        postgres = PostgresAnswer(0.4, "18.6", {"one": offsets}, read_at=float(postgres_at))
        result = (PollResult(kafka, float(kafka_at)), PollResult(postgres, float(postgres_at)))
        rows = builder.build(Answers(None, *result, PollResult())).partitions
        if rows:
            assert rows[0].end == ends[kafka_at]
            assert rows[0].lag == rows[0].end - rows[0].position
            assert rows[0].lag >= ends[kafka_at] - positions[kafka_at]


def test_seconds_behind_are_those_of_the_reading(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    for second in range(4):
        answers = say({0: 1_000 * (second + 1)}, {0: 1_000 * second + 500})
        frame = builder.build(answers)
        clock.now += 1
    assert frame.partitions[0].seconds_behind == pytest.approx(0.5)
    clock.now += 0.9  # no server has answered again: the picture is older, what it shows is not
    frame = builder.build(answers)
    assert frame.partitions[0].seconds_behind == pytest.approx(0.5)


def test_rates_are_over_the_last_seconds(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    builder.build(say({0: 0}, {}))
    for second in range(1, 11):
        clock.now += 1
        frame = builder.build(say({0: 1_000 * second}, {0: 800 * second}))
    assert frame.produced_per_second == pytest.approx(1_000)
    assert frame.read_per_second == pytest.approx(800)
    assert frame.stored_per_second is None, "no consumer has said what became of them"
    assert frame.partitions[0].trend == "growing"
    assert frame.history.produced[-1] == pytest.approx(1_000)
    assert len(frame.history.at) == 11


def counting(clock: Clock, **counters: int) -> Snapshot:
    """A consumer with these counters."""
    (process,) = consumer(clock, 0).processes
    assert process.report
    report = replace(process.report, counters=counters)
    return Snapshot(clock.now, 1, (replace(process, started_at=900.0, report=report),))


def test_stored_are_new_events_and_read_is_whatever_became_of_it(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    builder.build(say({0: 1_000}, {0: 0}, snapshot=counting(clock, stored=50)))
    clock.now += 1
    counters = {"stored": 150, "late": 20, "duplicates": 880, "rejected": 20}
    frame = builder.build(say({0: 1_000}, {0: 1_000}, snapshot=counting(clock, **counters)))
    assert (frame.read_per_second, frame.stored_per_second) == (1_000.0, 100.0)
    assert frame.outcomes == Outcomes(stored=100.0, duplicates=880.0, rejected=20.0, late=20.0)
    assert frame.outcome_totals == Outcomes(stored=150, duplicates=880, rejected=20, late=20)
    assert (frame.history.stored[-1], frame.history.not_new[-1]) == (100.0, 900.0)
    for _ in range(5):  # all is read, and the consumer says nothing more
        clock.now += 1
        frame = builder.build(say({0: 1_000}, {0: 1_000}, snapshot=None))
    assert (frame.read_per_second, frame.outcomes) == (0.0, Outcomes(0.0, 0.0, 0.0, 0.0))


def test_a_topic_created_again_is_not_a_leap(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    builder.build(say({0: 5_000}, {0: 5_000}))
    clock.now += 1
    frame = builder.build(say({0: 10}, {}, topic="two"))
    assert frame.lag == 10
    assert frame.produced_per_second is None


def test_owners_and_open_sessions_come_from_the_reports(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    frame = builder.build(say({0: 1, 1: 1}, {}, snapshot=consumer(clock, 1)))
    assert [row.owner for row in frame.partitions] == [None, "consumer-0"]
    assert frame.active_sessions == 7
    assert frame.workers("consumer")[0].rate == 500.0


def test_a_worker_that_does_not_report_is_silent_not_busy(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    row = builder.build(say({0: 1}, {}, snapshot=consumer(clock, 0, age=9.0))).workers("consumer")[0]
    assert (row.activity, row.rate, row.detail) == ("silent", 0.0, "no report for 9 s")


def test_a_look_that_takes_long_makes_no_process_silent(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    answers = replace(say({0: 1}, {0: 1}, snapshot=consumer(clock, 0)), snapshot_at=clock.now)
    clock.now += 5
    assert builder.build(answers).workers("consumer")[0].activity == "running"


def test_where_kafka_hangs_consumers_are_not_idle(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    good = say({0: 1}, {0: 1})
    hung = replace(good.kafka, asked_at=clock.now)
    clock.now += 5
    worker = builder.build(replace(say({0: 1}, {0: 1}, snapshot=consumer(clock)), kafka=hung)).workers("consumer")[0]
    assert (worker.activity, worker.detail) == ("waiting", "Kafka does not answer")


def test_a_server_that_goes_keeps_its_figures_and_their_time(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    good = say({0: 100}, {0: 40})
    assert builder.build(good).service("postgresql").state == UP
    at = clock.now
    clock.now += 30
    kafka = say({0: 200}, {}).kafka
    gone = PollResult(good.postgres.value, at, error="PostgreSQL does not answer: refused")
    frame = builder.build(Answers(None, kafka, gone, good.valkey))
    assert frame.service("postgresql").state == DOWN
    assert frame.service("kafka").state == UP
    assert (frame.partitions[0].lag, frame.partitions[0].as_of) == (160, at)
    assert (frame.read_per_second, frame.stored_per_second) == (None, None)
    assert [entry.text for entry in frame.happenings] == ["PostgreSQL does not answer"]


def test_one_fault_is_not_believed_and_silence_is(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    good = say({0: 1}, {})
    builder.build(good)
    clock.now += 1
    fault = PollResult(good.kafka.value, clock.now - 1, error="oops")
    assert builder.build(Answers(None, fault, good.postgres, good.valkey)).service("kafka").state == UP
    silent = PollResult(good.kafka.value, clock.now, asked_at=clock.now)
    clock.now += 4
    assert builder.build(Answers(None, silent, good.postgres, good.valkey)).service("kafka").state == DOWN


def test_nothing_configured_is_off_and_unknown() -> None:
    builder = FrameBuilder(LiveSettings(load_settings))
    off: PollResult[KafkaAnswer] = PollResult(skipped="not configured")
    frame = builder.build(
        Answers(None, off, PollResult(skipped="not configured"), PollResult(skipped="not configured"))
    )
    assert {row.state for row in frame.services} == {OFF}
    assert not frame.configured
    assert frame.lag is None
    assert frame.topic_exists is None


@pytest.mark.parametrize(
    ("enabled", "result", "shown"),
    [
        ("false", PollResult(OpenSearchAnswer(2.5, "3.9.0"), 1_000.0), (OFF, None, None, "off")),
        ("true", PollResult(), (ASKING, None, None, "")),
        ("true", PollResult(OpenSearchAnswer(2.5, "3.9.0"), 1_000.0), (UP, "3.9.0", 2.5, "")),
        ("true", PollResult(error="it hangs"), (DOWN, None, None, "it hangs")),
    ],
)
def test_opensearch_is_shown_as_the_others_are_where_it_is_enabled(
    builder: FrameBuilder,
    say: Say,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    enabled: str,
    result: PollResult[OpenSearchAnswer],
    shown: tuple[object, ...],
) -> None:
    monkeypatch.setenv("OPENSEARCH_ENABLED", enabled)
    builder = FrameBuilder(LiveSettings(load_settings))
    row = builder.build(replace(say({0: 1}, {}), opensearch=result)).service("opensearch")
    assert (row.state, row.version, row.latency_ms, row.error) == shown


def test_history_is_bounded_and_says_what_it_does_not_know(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    for _ in range(KEPT + 5):
        frame = builder.build(Answers(None, PollResult(), PollResult(), PollResult()))
        clock.now += 1
    assert len(frame.history.at) == KEPT
    assert math.isnan(frame.history.stored[-1])
    assert frame.history.hour == ()


def test_the_hour_keeps_a_peak_that_lasts_less_than_its_step(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    for end in (7, 900, 20, *[5] * 10):
        frame = builder.build(say({0: end, 1: 1}, {}))
        clock.now += 1
    assert [lags for _, lags in frame.history.hour] == [(900, 1), (5, 1)]


def test_between_ticks_nothing_is_added_to_the_past(builder: FrameBuilder, say: Say) -> None:
    answers = say({0: 1}, {})
    builder.build(answers)
    frame = builder.build(answers, tick=False)
    assert len(frame.history.at) == 1
    assert len(frame.partitions) == 1


def test_no_lag_is_remembered_of_a_time_in_which_kafka_did_not_answer(
    builder: FrameBuilder, say: Say, clock: Clock
) -> None:
    good = say({0: 900}, {0: 0})
    assert builder.build(good).history.lag == (900,)
    clock.now += 20
    hung = replace(say({0: 0}, {0: 0}), kafka=replace(good.kafka, asked_at=clock.now - 19))
    frame = builder.build(hung)
    assert frame.lag == 900  # as of then, which its rows say
    assert math.isnan(frame.history.lag[-1])
    assert [lags for _, lags in frame.history.hour] == [(900,)]
    clock.now += 1
    frame = builder.build(
        replace(say({0: 950}, {0: 0}), postgres=hung.postgres)
    )  # positions are old: what waits at most
    assert frame.history.lag[-1] == 950


def test_a_postgresql_that_hangs_stalls_what_waits_and_its_consumers_wait(
    builder: FrameBuilder, say: Say, clock: Clock
) -> None:
    for second in range(4):
        good = say({0: 500_000 + 2_000 * second}, {0: 1_000 * second}, snapshot=consumer(clock, 0))
        frame = builder.build(good)
        clock.now += 1
    assert frame.partitions[0].state == LAGGING
    for second in range(4, 20):
        now = say({0: 500_000 + 2_000 * second}, {}, snapshot=consumer(clock, 0))
        frame = builder.build(replace(now, postgres=replace(good.postgres, asked_at=1_004.0)))
        clock.now += 1
    row = frame.partitions[0]
    assert (frame.stored_per_second, row.state, row.lag, row.as_of) == (None, STALLED, 535_000, 1_003.0)
    worker = frame.workers("consumer")[0]
    assert (worker.activity, worker.detail, worker.lag) == ("waiting", "PostgreSQL does not answer", 535_000)


def verified(answers: Answers, told: Figure[Verification], events: int | None = None) -> Answers:
    counts = None if events is None else Figure(StoredCounts(events, 1, 0), answers.postgres.at)
    return replace(answers, verification=told, counts=counts)


def test_a_verify_ends_with_the_data_that_it_was_about(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    told = Figure(Verification(100, 1, 1, 0, 0, 0, 0), clock.now)
    cases: dict[str, Callable[[], Answers]] = {
        "the topic is another": lambda: verified(say({0: 500}, {0: 500}, topic="two"), told, 500),
        "less is stored": lambda: verified(say({0: 100}, {0: 100}), told, 99),
        "nothing is stored": lambda: verified(say({0: 100}, {}), told),
    }
    for case, later in cases.items():
        one = FrameBuilder(builder._live)
        assert one.build(verified(say({0: 100}, {0: 100}), told, 100)).verification is told
        clock.now += 1
        assert one.build(verified(say({0: 200}, {0: 200}), told, 200)).verification is told, "more was stored since"
        clock.now += 1
        assert one.build(later()).verification is None, case
        clock.now += 1
        assert one.build(verified(say({0: 300}, {0: 300}), told, 300)).verification is None, "it does not come back"
        again = Figure(told.value, clock.now)
        assert one.build(verified(say({0: 300}, {0: 300}), again, 300)).verification is again
        clock.now = told.at


def test_a_count_of_before_the_verify_does_not_end_it(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    before = verified(say({0: 100}, {0: 100}), Figure(Verification(100, 1, 1, 0, 0, 0, 0), clock.now + 0.5), 40)
    clock.now += 1
    assert builder.build(before).verification is before.verification


def test_a_look_that_waited_long_enough_says_who_did_not_answer(builder: FrameBuilder, say: Say, clock: Clock) -> None:
    good = say({0: 10}, {0: 10})
    asked = replace(good, kafka=PollResult(asked_at=clock.now - 0.5))
    assert builder.build(asked).service("kafka").state is ASKING
    row = builder.build(replace(asked, waited_out=True)).service("kafka")
    assert (row.state, row.error) == (DOWN, NO_ANSWER)
