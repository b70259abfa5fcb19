"""How log lines break into rows, and what is found in them, without a screen."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from clickstream.actions.logs.lines import ERROR, INFO, LogLine, parse
from clickstream.tui.drawing import log_rows
from clickstream.tui.drawing.log_rows import LogRows


def line(text: str, level: int = INFO, process: str = "a") -> LogLine:
    return LogLine(process, text, level, "", note=False)


@pytest.fixture
def one_hour_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's time is an hour before UTC's."""
    monkeypatch.setenv("TZ", "EAST-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(rows: LogRows) -> list[str]:
    return [rows.line(index).text[start:end] for index, start, end in (rows[n] for n in range(len(rows)))]


@given(st.lists(st.text("ab漢é ", max_size=60)), st.integers(10, 30))
def test_wrapped_rows_fit_and_lose_nothing(texts: list[str], width: int) -> None:
    rows = LogRows()
    rows.wrap = True
    rows.lay_out(width)
    rows.add([line(text) for text in texts])
    assert "".join(shown(rows)) == "".join(texts)
    assert all(cell_len(text) <= width for text in shown(rows))


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_rows, "MOST", 100)
    rows = LogRows()
    rows.search("7")
    for start in range(0, 300, 50):
        rows.add([line(str(n)) for n in range(start, start + 50)])
    assert len(rows) <= 100
    assert shown(rows)[-1] == "299"
    assert [rows.line(index).text for index in rows.matches] == [text for text in shown(rows) if "7" in text]


def test_the_first_of_many_names_makes_room_for_them() -> None:
    rows = LogRows()
    rows.add([line("x" * 20)])
    assert rows.width == 20
    assert rows.add([line("y", process="consumer-0")]) == (0, 1)
    assert rows.width == 20 + len("consumer-0") + 1


def test_what_is_not_shown_is_neither_counted_nor_found() -> None:
    rows = LogRows()
    rows.least = ERROR
    rows.search("x")
    assert rows.add([line("x"), line("xx", ERROR)]) == (0, 1)
    assert [rows.line(index).text for index in rows.matches] == ["xx"]


@pytest.mark.parametrize(
    ("raw", "at", "level"),
    [
        ("2026-11-25T01:00:43.950Z INFO consumer-0: an ERROR it is not", "2026-11-25T01:00:43.950", 1),
        ("2026-11-25T01:00:43.950Z ERROR consumer-0: x", "2026-11-25T01:00:43.950", 3),
        ("2026-11-25 01:28:00.870 UTC [19558] FATAL:  x", "2026-11-25T01:28:00.870", 3),
        ("[2026-11-25 01:28:00,870] WARN x", "2026-11-25T00:28:00.870", 2),
        ("[2026-13-25 01:28:00,870] WARN x", "2026-13-25T01:28:00.870", 2),
        ("28954:M 25 Nov 2026 00:49:15.781 # WARNING Memory overcommit", "2026-11-24T23:49:15.781", 2),
        ("28954:M 25 Nov 2026 00:49:15.781 * DB saved", "2026-11-24T23:49:15.781", 1),
        ("--- 2026-11-25T01:00:42.233Z supervisor: started, pid 29065", "2026-11-25T01:00:42.233", 1),
        ("--- 2026-11-25T01:00:42.233Z supervisor: crashed: killed by signal 9", "2026-11-25T01:00:42.233", 2),
        ("2026-11-25 01:28:00.870 UTC [1] DETAIL:  x", "2026-11-25T01:28:00.870", 3),
        ("\tat java.base", "before", 3),
        ("WARNING: deprecated", "before", 2),
        ("28954:M 25 Foo 2026 00:49:15.781 * x", "before", 1),
        ("", "before", 3),
    ],
)
@pytest.mark.usefixtures("one_hour_east")
def test_time_and_level_of_every_kind_of_line(raw: str, at: str, level: int) -> None:
    found = parse("p", raw, LogLine("p", "", ERROR, "before", note=False))
    assert (found.at, found.level) == (at, level)
