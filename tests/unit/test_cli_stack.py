"""What `stack status` says of servers that died."""

from __future__ import annotations

import time

import pytest

from clickstream.actions.stack import ServerStatus, StackStatus
from clickstream.cli.commands.stack import _write
from clickstream.domain.processes import ProcessState


@pytest.mark.parametrize(
    ("state", "restarts", "reason", "words"),
    [
        (ProcessState.RUNNING, 0, "", ""),
        (ProcessState.RUNNING, 0, "exit code 0", ""),  # stopped and started by command
        (ProcessState.RUNNING, 1, "killed by SIGKILL", "restarted once, last at 14:02:31: killed by SIGKILL"),
        (ProcessState.RUNNING, 3, "exit code 1", "restarted 3 times, last at 14:02:31: exit code 1"),
        (ProcessState.BACKOFF, 1, "killed by SIGKILL", "killed by SIGKILL"),
        (ProcessState.FAILED, 8, "exit code 1: disk full", "exit code 1: disk full"),
    ],
)
def test_an_exit_reason_is_that_of_now_or_says_when_it_was(
    state: ProcessState,
    restarts: int,
    reason: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    started = 1_748_527_351.0  # 14:02:31
    server = ServerStatus(
        "kafka", state, "127.0.0.1", 9, restarts=restarts, exit_reason=reason, started_at=started, rss_bytes=9
    )
    _write(StackStatus((server,)))
    line = capsys.readouterr().out.splitlines()[1].split("9B")[1].strip()
    assert line == words
    monkeypatch.undo()
    time.tzset()
