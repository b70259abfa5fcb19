"""Why a process was killed: out of memory is said where the kernel has counted a kill, and only there."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessState
from clickstream.supervision import managed as supervision
from clickstream.supervision.managed import Managed
from clickstream.supervision.sweep import Ledger
from tests.process.children import NEVER, child
from tests.waiting import wait_until_async


async def reason_after_kill(home: Home, kernel: dict[str, int | None], counted: int | None) -> str:
    """The exit reason of a child that is killed just after the kernel's counter has become `counted`."""
    process = Managed(child(restart=NEVER), home, Ledger(home.root / "ledger"), lambda: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, process.reap)
    await wait_until_async(lambda: process.state is ProcessState.RUNNING, "it runs")
    process.sample()
    kernel["oom_kills"] = counted
    pid = process.status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    await wait_until_async(lambda: process.state is ProcessState.FAILED, "its end is noticed")
    return process.status().exit_reason


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (3, 3, "killed by SIGKILL"),
        (None, None, "killed by SIGKILL"),
        (3, 4, "killed by SIGKILL (out of memory)"),
    ],
)
def test_out_of_memory_is_said_only_where_the_kernel_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int | None, after: int | None, words: str
) -> None:
    kernel = {"oom_kills": before}
    monkeypatch.setattr(supervision, "oom_kills", lambda: kernel["oom_kills"])
    (tmp_path / "logs").mkdir()
    assert asyncio.run(reason_after_kill(Home(tmp_path), kernel, after)).endswith(words)
