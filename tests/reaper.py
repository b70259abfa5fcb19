"""Ends what a test run leaves: `python -m tests.reaper FOLDER`, its stdin held open by the process that runs the tests.

A process and a session of its own, for a test process that is killed ends nothing itself. However that process ends,
its end of the pipe is closed then; what still has FOLDER as its HOME, or works in it, is killed, and FOLDER removed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def reaped(folder: Path) -> Iterator[None]:
    """Nothing that the block starts outlives it, not even where this process is killed in it; nor does the folder."""
    command = [sys.executable, "-m", "tests.reaper", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True):
        yield


def left_of(folder: Path) -> list[psutil.Process]:
    """Those that live in the folder, and all that they started."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if _lives_in(process, folder):
                found |= {process, *process.children(recursive=True)}
    return [process for process in found if _is_to_end(process)]


def _lives_in(process: psutil.Process, folder: Path) -> bool:
    if process.environ().get("HOME") == str(folder):
        return True
    return Path(process.cwd()).is_relative_to(folder)  # PostgreSQL's processes write their titles over what they got


def _is_to_end(process: psutil.Process) -> bool:
    """It lives, and is not a reaper: that of a test run within a test ends what is in another folder."""
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and "tests.reaper" not in process.cmdline()
    return False


def _killed(folder: Path) -> list[psutil.Process]:
    """Those that were left just now."""
    for process in (left := left_of(folder)):
        with suppress(psutil.Error):
            process.kill()
    return left


def _end(folder: Path) -> None:
    with suppress(AssertionError):  # what cannot be ended does not keep the folder
        wait_until(lambda: not _killed(folder), "all have ended")
    for file in folder.rglob("stack.json"):
        _forget(file.parent)
    shutil.rmtree(folder, ignore_errors=True)


def _forget(home: Path) -> None:
    """Remove the data of a stack, which under root lie outside of its home."""
    from clickstream.actions import stack
    from clickstream.config.paths import Home
    from clickstream.domain.errors import ClickstreamError

    Home(home).processes.unlink(missing_ok=True)  # or a new supervisor would come to end them
    with suppress(ClickstreamError):
        stack.reset(Home(home))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    _end(Path(sys.argv[1]))
