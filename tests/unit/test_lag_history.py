"""The position of a partition over time, out of the consumers' notes and PostgreSQL's word."""

from __future__ import annotations

import pytest

from clickstream.actions.observe.history import LONGEST, Path, history
from clickstream.cli.main import run
from clickstream.domain.errors import UsageError
from clickstream.services.postgres.inspect import StoredOffset
from tests.commandline import parse
from tests.tui.frames import FakeSource

NOW = 1_000.0


def path(notes: list[tuple[float, int]], stored: StoredOffset | None, start: int = 0) -> Path:
    return Path.of(0, [(at, {0: offset, 1: 7}) for at, offset in notes], stored, start, NOW)


def test_between_two_notes_it_moves_evenly() -> None:
    found = path([(900.0, 0), (905.0, 100), (910.0, 100)], StoredOffset(200, 85.0))
    assert [found.at(at) for at in (900.0, 902.5, 905.0, 907.0, 910.0, 912.5, 915.0, 999.0)] == [
        *(0, 50, 100, 100, 100, 150, 200, 200)
    ]


def test_a_consumer_that_died_stands_where_the_next_one_went_on() -> None:
    found = path([(800.0, 0), (880.0, 300), (885.0, 400)], StoredOffset(400, 110.0 + 5.0))
    assert found.at(805.0) == 300
    assert found.at(879.0) == 300


def test_a_dead_group_stands_since_its_last_commit() -> None:
    assert path([(100.0, 10)], StoredOffset(50, 850.0)).at(999.0) == 50


def test_who_never_committed_stands_at_the_start() -> None:
    assert path([], None, start=12).at(1.0) == 12


def test_before_the_first_note_it_is_known_at_the_start_only() -> None:
    assert path([(900.0, 40)], StoredOffset(50, 10.0)).at(899.0) is None
    assert path([(900.0, 0)], StoredOffset(50, 10.0)).at(899.0) == 0


@pytest.mark.parametrize("window", [9.0, LONGEST + 1])
def test_a_window_that_cannot_be_told_is_refused(window: float) -> None:
    with pytest.raises(UsageError, match="window"):
        history(FakeSource().settings, window=window)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7_200), ("45", 45)])
def test_spans(text: str, seconds: float) -> None:
    assert parse(["lag", "--history", "--window", text]).params["window"] == seconds


@pytest.mark.parametrize("line", ["--window 5d", "--window m", "--window 0", "--window ²m", "--history --watch"])
def test_wrong_use_of_lag(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lag", *line.split()]) == 2
    assert "error:" in capsys.readouterr().err
