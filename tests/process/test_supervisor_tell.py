"""Telling a running process lines on its stdin: read whole, and nothing waits for one that does not read."""

from __future__ import annotations

import pytest

from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessState, Role
from tests.process.children import READY, SLEEP, child, reached, run, seen
from tests.waiting import wait_until

REPORT = """import json, os, sys, time
def report(detail):
    print(json.dumps({'at': 1.5, 'state': 'running', 'detail': detail}), flush=True)
report('ready')
"""
ECHO = REPORT + "for line in sys.stdin: report(line.strip())\nreport('end of input')\n" + SLEEP
DEAF = REPORT + SLEEP
WORKER = {"role": Role.CONSUMER, "ready_pattern": None, "reports": True}


def test_it_hears_what_it_is_told(supervisor: Control) -> None:
    run(supervisor, child(ECHO, **WORKER))
    for words in ("one", "deux, trois", '{"vier": 4}'):
        supervisor.tell("child", words)
        assert seen(supervisor, "child", lambda status, words=words: status.report and status.report.detail == words)


def test_each_life_has_a_stdin_of_its_own(supervisor: Control) -> None:
    [first] = run(supervisor, child(ECHO, **WORKER))
    supervisor.restart(["child"])
    reached(supervisor, "child", ProcessState.RUNNING)
    supervisor.tell("child", "again")
    status = seen(supervisor, "child", lambda status: status.report and status.report.detail == "again")
    assert status.pid != first.pid


def test_one_that_does_not_read_delays_nothing_and_is_said(supervisor: Control) -> None:
    run(supervisor, child(DEAF, **WORKER), child(READY + SLEEP, name="other"))

    def flood() -> None:
        for _ in range(100_000):
            supervisor.tell("child", "x" * 500)

    with pytest.raises(ClickstreamError, match="child has not listened to what it was told before"):
        flood()
    supervisor.stop(["other"])
    reached(supervisor, "other", ProcessState.STOPPED)
    supervisor.stop(["child"])
    reached(supervisor, "child", ProcessState.STOPPED)


def test_one_that_has_closed_its_stdin_is_said(supervisor: Control) -> None:
    run(supervisor, child("import os; os.close(0)\n" + REPORT + SLEEP, **WORKER))
    with pytest.raises(ClickstreamError, match=r"child cannot be told anything: .*pipe"):
        supervisor.tell("child", "hello")
    assert supervisor.snapshot().get("child") is not None


def test_one_that_does_not_run_is_said(supervisor: Control) -> None:
    run(supervisor, child(ECHO, **WORKER))
    supervisor.stop(["child"])
    with pytest.raises(ClickstreamError, match="child cannot be told anything: it is stopped"):
        supervisor.tell("child", "hello")


def test_who_cannot_be_told_is_said(supervisor: Control) -> None:
    run(supervisor, child())
    with pytest.raises(UsageError, match="child cannot be told anything: it does not listen"):
        supervisor.tell("child", "hello")
    with pytest.raises(UsageError, match="no such process: missing"):
        supervisor.tell("missing", "hello")


@pytest.mark.parametrize("line", ["two\nlines", "é" * 256], ids=["two lines", "too long"])
def test_only_one_short_line_is_taken(supervisor: Control, line: str) -> None:
    run(supervisor, child(ECHO, **WORKER))
    with pytest.raises(UsageError, match="must be one line of less than 512 bytes"):
        supervisor.tell("child", line)


def test_what_is_not_a_worker_has_nothing_on_its_stdin(supervisor: Control, home: Home) -> None:
    run(supervisor, child("import sys; print('read', repr(sys.stdin.read()))\n" + READY + SLEEP))
    wait_until(lambda: "read ''" in (home.logs / "child.log").read_text(), "it reads nothing")
