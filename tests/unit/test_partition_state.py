"""How a partition is judged: the words, and the memory that keeps them from flickering."""

from __future__ import annotations

import pytest

from clickstream.actions.observe.judge import Judge, Reading
from clickstream.actions.observe.model import LAGGING, OK, STALLED, STOPPED


def reading(lag: int, rate_in: float = 0.0, rate_out: float = 0.0, *, owned: bool = True, age: float = 0.5) -> Reading:
    return Reading(lag, rate_in, rate_out, owned, age)


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (reading(0), OK),
        (reading(0, owned=False), OK),
        (reading(400, 100, 90), OK),  # below the floor
        (reading(50_000, 20_000, 20_000), OK),  # the batches under way
        (reading(500_000, 10_000, 20_000), OK),  # gone within a minute
        (reading(5_000_000, 10_000, 20_000), LAGGING),
        (reading(500_000, 20_000, 10_000), LAGGING),
        (reading(500_000, 20_000, 0, age=30), STALLED),
        (reading(3, age=30), STALLED),
        (reading(500_000, 20_000, 0, age=1), LAGGING),
        (reading(3, owned=False, age=30), STOPPED),
    ],
)
def test_the_first_look_is_believed(look: Reading, state: str) -> None:
    assert Judge().judge(look)[0] == state


def test_a_single_look_changes_nothing() -> None:
    judge = Judge()
    behind, fine = reading(500_000, 20_000, 10_000), reading(0)
    assert [judge.judge(look)[0] for look in (fine, behind, fine, behind, fine)] == [OK] * 5


def test_worse_is_believed_sooner_than_better() -> None:
    judge = Judge()
    behind, fine = reading(500_000, 20_000, 10_000), reading(0)
    assert [judge.judge(look)[0] for look in (fine, behind, behind)] == [OK, OK, LAGGING]
    assert [judge.judge(fine)[0] for _ in range(3)] == [LAGGING, LAGGING, OK]


def test_a_partition_stalls_although_its_rates_are_not_known() -> None:
    judge = Judge()
    judge.judge(reading(500_000, 20_000, 10_000))
    unknown = Reading(500_000, 20_000, None, True, 30.0)
    assert [judge.judge(unknown)[0] for _ in range(3)] == [LAGGING, STALLED, STALLED]
    assert [judge.judge(Reading(500_000, 20_000, None, True, 1.0))[0] for _ in range(3)] == [STALLED] * 3


def test_a_trend_starts_late_and_ends_late() -> None:
    judge = Judge()
    grows, a_little = reading(100_000, 20_000, 10_000), reading(100_000, 13_000, 10_000)
    assert [judge.judge(grows)[1] for _ in range(3)] == ["steady", "growing", "growing"]
    # 3 % a second would not have started the trend, and does not end it.
    assert [judge.judge(a_little)[1] for _ in range(3)] == ["growing"] * 3
    assert Judge().judge(a_little)[1] == "steady"


@pytest.mark.parametrize(
    ("look", "expected"),
    [(reading(0), 0.0), (reading(1000, 100, 200), 10.0), (reading(1000, 200, 200), None), (reading(9, 5, 0), None)],
)
def test_time_to_drain(look: Reading, expected: float | None) -> None:
    assert look.drains_in == expected
