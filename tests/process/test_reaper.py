"""A test run that is killed leaves nothing: no supervisor, no server, no worker, no folder.

Each test starts a test run of its own with one endless test of this file (no other run collects it), waits until what
that starts is there, and ends the run in some way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clickstream.actions.control import ensure
from clickstream.config.paths import Home
from tests.process.children import IGNORE_TERM, READY, SLEEP, child, python, run
from tests.reaper import ROOT, left_of
from tests.waiting import wait_until

TOLD = "REAPER_TEST_TOLD"
"""Names the file into which the endless test writes its shelter, once all that it starts is there."""


def endless_with_a_supervisor(home: Home, shelter: Path) -> None:
    run(ensure(home), child(IGNORE_TERM + READY + SLEEP))
    with subprocess.Popen(python(SLEEP), start_new_session=True):
        _tell(shelter)


def endless_with_a_stack(stack_home: Home, shelter: Path) -> None:
    _tell(shelter)
    signal.pause()


def _tell(shelter: Path) -> None:
    told = Path(os.environ[TOLD])
    told.with_suffix(".new").write_text(str(shelter))
    told.with_suffix(".new").rename(told)


def kill(run: psutil.Process) -> None:
    run.kill()


def control_c(run: psutil.Process) -> None:
    run.send_signal(signal.SIGINT)


def kill_the_worker(run: psutil.Process) -> None:
    [worker] = [process for process in run.children() if "tests.reaper" not in process.cmdline()]
    worker.kill()


SUPERVISOR, STACK = endless_with_a_supervisor, endless_with_a_stack

WAYS = [
    pytest.param(SUPERVISOR, [], kill, id="kill -9"),
    pytest.param(SUPERVISOR, [], control_c, id="Ctrl+C", marks=pytest.mark.slow),
    pytest.param(SUPERVISOR, ["--timeout=30", "--timeout-method=thread"], None, id="timeout", marks=pytest.mark.slow),
    pytest.param(SUPERVISOR, ["-n", "1"], kill, id="kill -9 of several", marks=pytest.mark.slow),
    pytest.param(
        STACK, ["-n", "1", "--max-worker-restart=0"], kill_the_worker, id="kill -9 of one of several",
        marks=pytest.mark.slow,
    ),
    pytest.param(STACK, [], kill, id="kill -9 with servers", marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("endless", "options", "end"), WAYS)
def test_a_run_that_is_ended_leaves_nothing(
    tmp_path: Path, endless: Callable[..., None], options: list[str], end: Callable[[psutil.Process], None] | None
) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "python_functions=endless_*", *options]
    with subprocess.Popen(
        [*command, f"{__file__}::{endless.__name__}"],
        cwd=ROOT,
        env=os.environ | {TOLD: str(told)},
        stdout=subprocess.DEVNULL,
    ) as inner:
        try:
            wait_until(lambda: told.exists() or inner.poll() is not None, "the endless test runs")
            shelter = Path(told.read_text())
            assert left_of(shelter)
            if end is not None:
                end(psutil.Process(inner.pid))
            inner.wait(120)
        finally:
            inner.kill()
    wait_until(lambda: not shelter.exists() and not left_of(shelter), "all is gone")
