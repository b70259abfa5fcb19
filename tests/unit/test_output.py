"""Numbers, tables and JSON as people and programs read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.cli import output
from clickstream.cli.output import Table, TextLine, number, plain, seconds
from clickstream.domain.processes import ProcessState


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "?"), (0, "-"), (7, "7/s"), (7.25, "7.25/s"), (42, "42/s"), (310.4, "310/s"), (999.6, "1.00 k/s"),
        (1000, "1.00 k/s"), (61_234, "61.2 k/s"), (99_960, "100 k/s"), (999_499, "999 k/s"), (999_999, "1.00 M/s"),
        (2_756_101, "2.76 M/s"), (5e12, "5,000 G/s"),
    ],
)  # fmt: skip
def test_a_number_has_three_significant_digits(value: float | None, shown: str) -> None:
    assert number(value, unit="/s") == shown


@given(st.floats(min_value=0.01, max_value=1e11))
def test_a_short_number_stays_short_and_true(value: float) -> None:
    shown = number(value)
    amount, _, prefix = shown.partition(" ")
    factor = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[prefix]
    assert len(amount) <= 5
    assert float(amount) * factor == pytest.approx(value, rel=0.006, abs=0.006)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "?"), (0.0, "0.0 s"), (4.24, "4.2 s"), (59.9, "59.9 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_a_span_reads_well(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


def test_a_plain_table_aligns_words_left_and_numbers_right() -> None:
    table = Table(("name", "rows", ""), [("events", "1,234", "x"), ("a", 7, None)])
    assert plain([table, TextLine("end")]) == "name     rows\nevents  1,234  x\na           7\nend\n"


def test_a_table_without_rows_shows_its_headers() -> None:
    assert plain([Table(("item", "views"), [])]) == "item  views\n"


def test_away_from_a_terminal_text_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    output.write([Table(("state",), [("ok",)])])
    assert capsys.readouterr().out == "state\nok\n"


@dataclass(frozen=True, slots=True)
class Inner:
    partition: int
    lag: dict[int, int]


@dataclass(frozen=True, slots=True)
class Outer:
    state: ProcessState
    path: Path
    inner: tuple[Inner, ...]
    text: bytes


def test_json_is_one_document_of_plain_data(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_json(Outer(ProcessState.RUNNING, Path("a/b"), (Inner(0, {1: 2}),), b"\xff1"))
    assert json.loads(capsys.readouterr().out) == {
        "state": "running",
        "path": "a/b",
        "inner": [{"partition": 0, "lag": {"1": 2}}],
        "text": "\ufffd1",
    }


def test_a_stream_of_json_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_json_line({"a": "ä\n"})
    output.write_json_line([1])
    first, second = capsys.readouterr().out.splitlines()
    assert (json.loads(first), json.loads(second)) == ({"a": "ä\n"}, [1])


def test_on_a_terminal_no_state_is_told_by_colour_alone() -> None:
    from rich.console import Console

    console = Console(width=80, force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(output.renderable([Table(("state",), [("failed",), ("ok",), ("backoff",)])]))
    assert all(word in caught.get() for word in ("✖ failed", "● ok", "▲ backoff"))
