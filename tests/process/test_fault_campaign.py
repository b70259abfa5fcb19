"""Twenty rounds of random faults; every event and every session must be there in the end. See tests/campaign."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream.config.paths import Home
from tests.campaign.report import campaign
from tests.stacks import stack_in

ROUNDS = 20

SEED = 20_150_918
"""The same in every run: what a change breaks is seen to be new. `make faults` looks elsewhere."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]


@pytest.fixture
def own_home(shelter: Path, sheltered: None) -> Iterator[Home]:
    """A stack of its own: it gets broken again and again."""
    with stack_in(shelter / "campaign") as home:
        yield home


def test_nothing_is_lost_or_doubled_in_twenty_rounds_of_faults(
    own_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(words: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{words}")
            sys.stdout.flush()

    report = campaign(own_home, tmp_path, seed=SEED, rounds=ROUNDS, say=say)
    say(f"{report}\n")
    evidence = "\n\n".join(result.evidence for result in report.failed)
    assert not report.differences, f"{report}\n\n{evidence}"
    assert len(report.rounds) == ROUNDS
    assert sum(report.struck.values()) >= ROUNDS, "hardly any fault struck"
