"""`clickstream worker stop|restart|kill|freeze|thaw NAME`, on real processes."""

from __future__ import annotations

import json
from typing import Any

import psutil
import pytest

from clickstream.actions.control import Control
from clickstream.cli.main import run as clickstream
from clickstream.domain.processes import ProcessState
from tests.process.children import READY, SLEEP, child, run, seen
from tests.waiting import wait_until


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    capsys.readouterr()
    assert clickstream(["worker", *line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_stop_and_restart(supervisor: Control, capsys: pytest.CaptureFixture[str]) -> None:
    [first] = run(supervisor, child())
    assert answer(capsys, "restart", "child") == {"name": "child"}
    status = supervisor.snapshot().get("child")
    assert status
    assert status.state is ProcessState.RUNNING
    assert status.pid != first.pid
    assert answer(capsys, "stop", "child") == {"name": "child", "ran": True}
    assert answer(capsys, "stop", "child") == {"name": "child", "ran": False}


def test_a_killed_one_comes_back(supervisor: Control, capsys: pytest.CaptureFixture[str]) -> None:
    [first] = run(supervisor, child())
    assert answer(capsys, "kill", "child").items() >= {"name": "child", "pid": first.pid}.items()
    status = seen(supervisor, "child", lambda status: status.restarts == 1 and status.state is ProcessState.RUNNING)
    assert status.exit_reason.startswith("killed by SIGKILL")


def test_a_frozen_one_hangs_until_it_is_thawed(supervisor: Control, capsys: pytest.CaptureFixture[str]) -> None:
    [status] = run(supervisor, child(READY + SLEEP))
    process = psutil.Process(status.pid)
    answer(capsys, "freeze", "child")
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "frozen")
    answer(capsys, "thaw", "child")
    wait_until(lambda: process.status() != psutil.STATUS_STOPPED, "thawed")


@pytest.mark.parametrize("command", ["stop", "restart", "kill", "freeze", "thaw"])
def test_a_name_that_no_worker_has_is_said(
    supervisor: Control, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert supervisor.snapshot().processes == ()
    assert clickstream(["worker", command, "nobody"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "nobody" in shown.err
    assert len(shown.err.splitlines()) == 1
