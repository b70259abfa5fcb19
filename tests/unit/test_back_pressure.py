"""Which stage holds a consumer up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.observe.back_pressure import NOTHING, UNKNOWN, back_pressure
from clickstream.actions.observe.model import ProcessRow
from clickstream.domain.reports import WorkerReport
from tests.changing import replace


def row(lag: int = 100_000, **stages: float) -> ProcessRow:
    report = WorkerReport(at=0.0, state="running", stages=stages, batch_fill=0.5, counters={"batches": 4})
    return ProcessRow(
        "consumer-0", "consumer", "here", local=True, pid=1, state="running", activity="running", rate=1_000.0,
        lag=lag, report=report,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ({"fetch": 0.2, "decode": 0.2, "sessions": 0.4, "postgresql": 0.9, "idle": 0.0}, "postgresql"),
        ({"fetch": 0.2, "decode": 0.2, "sessions": 0.5, "postgresql": 0.4, "idle": 0.1}, "sessions"),
        ({"fetch": 0.3, "decode": 0.3, "sessions": 0.4, "postgresql": 0.6, "idle": 0.0}, "sessions"),
        ({"fetch": 0.8, "decode": 0.1, "sessions": 0.1, "postgresql": 0.1, "idle": 0.0}, "fetch"),
        ({"fetch": 0.1, "decode": 0.1, "sessions": 0.1, "postgresql": 0.2, "idle": 0.6}, NOTHING),
        ({"fetch": 0.01, "decode": 0.01, "sessions": 0.01, "postgresql": 0.01, "idle": 0.4}, NOTHING),
        ({}, NOTHING),
    ],
)
def test_the_longest_stage_is_named(stages: dict[str, float], expected: str) -> None:
    assert back_pressure(row(**stages)).bottleneck == expected


def test_a_fetch_is_a_wait_for_messages_while_it_keeps_up() -> None:
    assert back_pressure(row(lag=900, fetch=0.8, idle=0.1)).bottleneck == NOTHING


def test_a_consumer_that_waits_is_held_up_by_whom_it_waits_for() -> None:
    waiting = replace(row(), activity="waiting", detail="PostgreSQL does not answer: connection refused")
    assert back_pressure(waiting).bottleneck == "PostgreSQL"
    assert back_pressure(replace(waiting, detail="for something else")).bottleneck == "waiting"


def test_of_the_dead_nothing_is_known() -> None:
    assert back_pressure(replace(row(fetch=0.9), state="backoff")).bottleneck == UNKNOWN
    assert back_pressure(replace(row(), report=None)).stages == {}


def test_rebalances_are_told_where_they_are_counted() -> None:
    assert back_pressure(row()).rebalances is None
    counted = replace(row(), report=WorkerReport(at=0.0, state="running", counters={"rebalances": 3}))
    assert back_pressure(counted).rebalances == 3


shares = st.floats(0, 1)


@given(st.lists(shares, min_size=5, max_size=5).filter(sum), shares)
def test_the_preparing_thread_s_shares_make_a_hundred_per_cent(parts: list[float], commits: float) -> None:
    idle, fetch, decode, sessions, _ = (part / sum(parts) for part in parts)
    found = back_pressure(row(idle=idle, fetch=fetch, decode=decode, sessions=sessions, postgresql=commits))
    prepares = sum(share for name, share in found.stages.items() if name != "postgresql")
    if prepares:
        assert prepares + found.waits == pytest.approx(1, abs=0.002)
    assert found.stages["postgresql"] == commits


def test_who_has_measured_nothing_yet_waits_for_nothing() -> None:
    assert back_pressure(row()).waits == 0
