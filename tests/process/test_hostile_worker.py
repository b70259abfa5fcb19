"""A worker that says anything but reports: its supervisor goes on, and what it tells of it steers nothing."""

from __future__ import annotations

import json
import re

import msgspec

from clickstream.actions.control import Control
from clickstream.actions.logs import read as logs
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessState, ProcessStatus, Role
from clickstream.domain.reports import WorkerReport
from tests.process.children import NEVER, child, reached, seen

WORDS = "\x1b]0;owned\x07[red]\x9b31m\u202e"

SOUND = msgspec.to_builtins(WorkerReport(at=1.0, state="running"))

SPOILT = (
    {"at": 1e308}, {"events": -1}, {"lag": 2**70}, {"partitions": [2**65]}, {"positions": {"-3": 1}},
    {"latency_counts": [-1]}, {"counters": {"a": -1}}, {"newest_event_ms": 10**40}, {"at": "x"},
)  # fmt: skip

SAYS = f"""
import json, os, sys, time
def say(line): os.write(1, line + b"\\n")
for spoilt in {SPOILT!r}:
    say(json.dumps({SOUND!r} | spoilt).encode())
say(b"[" * 15_000)
say(b'{{"x":' + b"[" * 7_000 + b"]" * 7_000 + b"}}")
say(b'{{"at":1,"state":"\\xff"}}')
say(b"\\xff\\x00\\x1b[31m")
say(b"x" * 100_000)
say(json.dumps({SOUND!r} | {{"at": 2.0, "state": {WORDS!r}, "detail": {WORDS!r} * 1000, "pace": {WORDS!r},
    "counters": {{{WORDS!r}: 1}}, "stages": {{{WORDS!r}: 1.0, "fetch": 0.5}}}}, ensure_ascii=False).encode()[:16_000])
say(json.dumps({SOUND!r} | {{"at": 3.0, "state": {WORDS!r}, "detail": {WORDS!r} * 20, "pace": {WORDS!r},
    "counters": {{{WORDS!r}: 1}}, "stages": {{{WORDS!r}: 1.0, "fetch": 0.5}}}}).encode())
time.sleep(600)
"""


def reported(status: ProcessStatus) -> object:
    return status.report is not None and status.report.at == 3.0


def test_what_is_not_a_report_is_a_line_of_the_log(supervisor: Control, home: Home) -> None:
    supervisor.start([child(SAYS, ready_pattern=None, reports=True, role=Role.CONSUMER)])
    status = seen(supervisor, "child", reported)
    assert status.state is ProcessState.RUNNING
    assert status.report
    report = status.report
    texts = (report.state, report.detail, report.pace, *report.counters, *report.stages)
    assert all(text.isprintable() and len(text) <= 500 for text in texts)
    assert report.stages == {"fetch": 0.5}
    assert r"\x1b]0;owned\x07[red]\x9b31m\u202e" in report.detail
    lines = [line for _, line in logs.tail(home, ["child"], 100)]
    assert len([line for line in lines if not line.startswith("---")]) == len(SPOILT) + 6
    assert all(line.isprintable() for line in lines)
    raw = (home.logs / "child.log").read_bytes()
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", raw), "somebody may look at it with cat"
    own = json.dumps(logs.tail(home, ["supervisor"], 100))
    assert "Traceback" not in own


def test_last_words_that_steer_are_reported_escaped(supervisor: Control) -> None:
    script = f"import os; os.write(2, {WORDS!r}.encode() + b'\\n'); os._exit(1)"
    supervisor.start([child(script, ready_pattern=None, reports=True, restart=NEVER)])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert status.exit_reason.endswith(r"exit code 1: \x1b]0;owned\x07[red]\x9b31m\u202e")
