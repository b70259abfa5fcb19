"""A worker without a supervisor: its log lines, and the file that a probe looks at."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.processes.health import health
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.process import foreground
from clickstream.pipeline.process.foreground import Foreground, Health, HealthFile, JsonLines, read_health


def record(message: str, **extra: object) -> logging.LogRecord:
    return logging.getLogger("test").makeRecord("test", logging.INFO, "f", 1, message, (), None, extra=extra)


@given(st.text())
def test_whatever_is_said_is_one_line_of_json(message: str) -> None:
    line = JsonLines("consumer-a").format(record(message, lag=3))
    assert line.isascii()
    assert "\n" not in line
    found = json.loads(line)
    assert (found["message"], found["worker"], found["level"], found["lag"]) == (message, "consumer-a", "INFO", 3)
    assert found.keys() == {"time", "level", "worker", "host", "logger", "message", "lag"}


def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        HealthFile(tmp_path / "missing" / "health")


def test_one_that_cannot_be_written_later_is_said_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = HealthFile(folder / "health")
    (folder / "health").unlink()
    folder.rmdir()
    for _ in range(3):
        file.renew(Health("idle"))
    assert len(caplog.records) == 1
    file.remove()


@pytest.mark.parametrize("content", [b"", b"idle", b"[]", b"\xff"])
def test_another_file_is_not_a_health_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ClickstreamError, match="cannot be read as a health file"):
        read_health(tmp_path / "other")
    with pytest.raises(ClickstreamError, match="there is no health file"):
        read_health(tmp_path / "none")


@pytest.mark.parametrize(
    ("state", "age", "alive", "ready"),
    [
        ("running", 0, True, True),
        ("idle", 29, True, True),
        ("idle", 40, False, False),
        ("starting", 0, True, False),
        ("waiting", 0, True, False),
        ("waiting", 40, False, False),
        ("stopping", 0, True, False),
    ],
)
def test_alive_is_a_fresh_file_and_ready_one_whose_worker_works(
    tmp_path: Path, state: str, age: int, alive: bool, ready: bool
) -> None:
    path = tmp_path / "health"
    HealthFile(path).renew(Health(state))
    os.utime(path, (path.stat().st_mtime - age, path.stat().st_mtime - age))
    assert health(path, within=30).ok is alive
    assert health(path, within=30, ready=True).ok is ready


def test_figures_are_logged_now_and_then_while_there_are_new_ones(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    now = 100.0
    monkeypatch.setattr(foreground.time, "monotonic", lambda: now)
    logged = Foreground(HealthFile(None))
    for now, events in ((101.0, 5), (131.0, 9), (170.0, 9), (180.0, 10)):  # noqa: B007 (the clock reads it)
        logged.receive(WorkerReport(0.0, "running", events=events, lag=1))
    logged.receive(WorkerReport(0.0, "done", events=11))
    assert [record.__dict__["events"] for record in caplog.records] == [9, 10, 11]


def test_without_a_path_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    file = HealthFile(None)
    file.renew(Health("idle"))
    file.remove()
    assert set(tmp_path.iterdir()) == before
