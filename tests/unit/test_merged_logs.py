"""The logs of all processes as one: by time, filtered, followed through a rotation, and of known names only."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from clickstream.actions.logs import merged
from clickstream.actions.logs.merged import Level, LogQuery, document, follow_lines, last_lines
from clickstream.cli.commands.shell import log_line
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError

LOGS = {
    "consumer-0": [
        "2026-01-02T10:00:00.001Z INFO clickstream.consumer: assigned: partitions [0]",
        "2026-01-02T10:00:03.000Z ERROR clickstream.consumer: PostgreSQL does not answer",
        "Traceback of it",
        "2026-01-02T10:00:05.000Z INFO clickstream.consumer: goes on",
    ],
    "consumer-1": ["2026-01-02T10:00:02.000Z WARNING clickstream.consumer: \x1b[31mPartition 1 is slow"],
    "postgresql": [
        "2026-01-02 10:00:00.000 UTC [7] LOG:  ready",
        "2026-01-02 10:00:02.500 UTC [7] FATAL:  the database system is shutting down",
    ],
    "supervisor": ["2026-01-02T10:00:04.000Z started consumer-0"],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.logs.mkdir()
    for name, lines in LOGS.items():
        (home.logs / f"{name}.log").write_text("".join(f"{line}\n" for line in lines))
    return home


def seen(home: Home, **query: object) -> list[tuple[str, str]]:
    return [(line.process, line.text[:26]) for line in last_lines(home, LogQuery(**query))]  # type: ignore[arg-type]


def test_lines_of_all_processes_come_by_time(home: Home) -> None:
    assert [name for name, _ in seen(home)] == [
        "postgresql", "consumer-0", "consumer-1", "postgresql", "consumer-0", "consumer-0", "supervisor", "consumer-0",
    ]  # fmt: skip
    assert [name for name, _ in seen(home, lines=2)] == ["supervisor", "consumer-0"]
    assert all(line.text.isprintable() for line in last_lines(home, LogQuery()))


def test_names_texts_and_levels_choose(home: Home) -> None:
    assert {name for name, _ in seen(home, names=("consumer",))} == {"consumer-0", "consumer-1"}
    assert {name for name, _ in seen(home, names=("supervisor", "consumer-1"))} == {"supervisor", "consumer-1"}
    assert [name for name, _ in seen(home, grep="partition")] == ["consumer-0", "consumer-1"]
    assert seen(home, grep="assigned: partitions [0]", level=Level.WARNING) == []
    assert len(seen(home, grep="[0]")) == 1
    assert [name for name, _ in seen(home, level=Level.WARNING)] == ["consumer-1", "postgresql", *["consumer-0"] * 2]
    assert seen(home, level=Level.ERROR)[-1] == ("consumer-0", "Traceback of it")


def test_of_many_lines_the_last_that_match_are_shown_out_of_rotated_files_too(home: Home) -> None:
    log = home.logs / "consumer-0.log"
    for number, age in enumerate((".2", ".1", "")):
        at = f"2026-01-02T11:00:0{number}"
        lines = [f"{at}.{n:03d}Z INFO x: {'needle' if n == 500 else 'hay'} {number}" for n in range(1000)]
        log.with_name(f"{log.name}{age}").write_text("".join(f"{line}\n" for line in lines))
    found = last_lines(home, LogQuery(grep="NEEDLE"))
    assert [line.text[-8:] for line in found] == ["needle 0", "needle 1", "needle 2"]
    log.write_text("")
    assert [line.text[-5:] for line in last_lines(home, LogQuery(("consumer-0",), lines=1))] == ["hay 1"]


def test_an_unknown_name_is_refused_with_those_that_there_are(home: Home) -> None:
    for name in ("elsewhere", "cons", "../stack", ""):
        with pytest.raises(UsageError, match="logs of consumer-0, consumer-1, postgresql, supervisor"):
            last_lines(home, LogQuery((name,)))
    with pytest.raises(UsageError, match="from 1 upwards"):
        LogQuery(lines=0)


def test_before_anything_ran_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClickstreamError, match="nothing was logged here yet"):
        last_lines(Home(tmp_path), LogQuery())


def append(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(f"{line}\n")


def rotate(log: Path, last: str) -> None:
    """As the supervisor does, right after a line that was not read yet."""
    append(log, last)
    log.replace(log.with_name(f"{log.name}.1"))


def test_what_is_logged_is_followed_of_new_processes_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    log = home.logs / "consumer-1.log"
    steps = iter([
        lambda: append(log, "2026-01-02T10:01:00.000Z INFO x: no match"),
        lambda: append(log, "2026-01-02T10:01:00.500Z ERROR x: zero"),
        lambda: rotate(log, "2026-01-02T10:01:01.000Z ERROR x: one"),
        lambda: append(log, "2026-01-02T10:01:02.000Z ERROR x: two"),
        lambda: append(home.logs / "consumer-2.log", "2026-01-02T10:01:03.000Z ERROR x: three"),
    ])  # fmt: skip
    monkeypatch.setattr(merged, "time", SimpleNamespace(sleep=lambda _: next(steps)()))
    with closing(follow_lines(home, LogQuery(("consumer",), level=Level.ERROR, lines=1))) as lines:
        found = [next(lines) for _ in range(5)]
    assert [(line.process, line.text.split()[-1]) for line in found] == [
        ("consumer-0", "it"), ("consumer-1", "zero"), ("consumer-1", "one"), ("consumer-1", "two"),
        ("consumer-2", "three"),
    ]  # fmt: skip


def test_a_line_reads_with_its_process_in_front(home: Home) -> None:
    [line] = last_lines(home, LogQuery(("consumer-1",)))
    assert log_line(line, 12).startswith("consumer-1    2026-01-02T10:00:02.000Z WARNING")
    assert document(line) == {
        "name": "consumer-1", "line": line.text, "at": "2026-01-02T10:00:02.000", "level": "warning", "note": False,
    }  # fmt: skip
