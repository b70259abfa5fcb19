"""Every choice of a campaign comes from its seed, and its comparison finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

from clickstream.actions.faults.catalogue import FAULTS
from tests.campaign.plan import plan_of, seed_of
from tests.campaign.report import Report
from tests.campaign.run import Outcome, RoundResult
from tests.campaign.surroundings import ALL
from tests.campaign.truth import Differences, as_event, read_input, write_input
from tests.feed import value
from tests.oracle import Event


def test_the_same_seed_makes_the_same_round_and_another_one_another() -> None:
    assert plan_of(7) == plan_of(7)
    assert len({plan_of(seed) for seed in range(50)}) == 50


def test_any_round_can_be_repeated_alone() -> None:
    third = seed_of(12, 2)
    assert seed_of(third, 0) == third
    assert len({seed_of(12, number) for number in range(200)}) == 200


def test_every_kind_of_fault_gets_its_turn_and_several_strike_at_once() -> None:
    plans = [plan_of(seed_of(1, number)) for number in range(200)]
    struck = {strike.name for plan in plans for strike in plan.strikes}
    assert struck == {fault.name for fault in FAULTS if not fault.unavailable}
    assert sum(len(plan.strikes) > 1 for plan in plans) > 100


def test_every_set_up_gets_its_turn_alone_and_with_others_and_half_of_the_rounds_have_none() -> None:
    drawn = [plan_of(seed_of(1, number)).surroundings for number in range(200)]
    assert {name for names in drawn for name in names} == set(ALL)
    assert 70 < sum(not names for names in drawn) < 130
    assert sum(len(names) > 1 for names in drawn) > 30


def test_the_input_is_read_as_it_was_written_and_has_what_a_real_file_has(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    write_input(file, 3, 500, visitors=20)
    lines = file.read_text().splitlines()[1:]
    events = read_input(file)
    assert len(events) > 450
    assert len(lines) > len(events) + 4
    assert lines != sorted(lines)


def test_the_contract_read_again_takes_what_the_feed_writes() -> None:
    event = Event(7, 1_430_622_004_384, 2, 9)
    assert as_event(value(event, transaction_id=4)) == event


def test_the_report_counts_what_happened() -> None:
    plan = plan_of(5)
    outcomes = [Outcome(strike) for strike in plan.strikes]
    lost = Differences()
    lost.note("events lost", [Event(1, 2, 0, 3), Event(1, 3, 0, 3)])
    report = Report(
        5, [RoundResult(plan, outcomes, 100, Differences(), 2.0), RoundResult(plan, outcomes, 50, lost, 1.0, "logs")]
    )
    found = report.document()
    assert (found["rounds"], found["events"], found["differences"]) == (2, 150, 2)
    assert found["failed_rounds"] == [{"seed": 5, "differences": {"events lost": 2}, "evidence": "logs"}]
    assert "events lost: 2, such as" in str(report)
