"""The dashboard's process and its terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.waiting import read_until


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of one; the first is closed by the test."""
    ends = pty.openpty()
    yield ends
    os.close(ends[1])


def test_the_dashboard_ends_with_its_terminal_where_the_signal_for_it_is_ignored(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    dashboard = subprocess.Popen(
        ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", sys.executable, "-P", "-m", "clickstream"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    try:
        read_until(ours, "events/s")
        os.close(ours)
        assert dashboard.wait(30) == 128 + signal.SIGHUP
    finally:
        dashboard.kill()
        dashboard.wait()
