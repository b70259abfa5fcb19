"""A real supervisor in a home of its own, with everything that it started gone after the test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from clickstream.actions import control, stack
from clickstream.actions.control import Control, running
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import Role


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home without a supervisor yet."""
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "h"))
    home = Home.from_environment()
    yield home
    with suppress(ClickstreamError):
        if (supervisor := control.running(home)) is not None:
            supervisor.stop([process.name for process in supervisor.snapshot().processes], kill=True)
            supervisor.shutdown()
    for process in psutil.process_iter():  # what a failed test left: all that carries this home in its environment
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get("CLICKSTREAM_HOME") == str(home.root):
                process.send_signal(signal.SIGKILL)


@pytest.fixture
def supervisor(home: Home) -> Control:
    """The home's supervisor, running."""
    return control.ensure(home)


@pytest.fixture
def restored(stack_home: Home) -> Iterator[None]:
    """For tests that break the shared stack: afterwards all of it runs again, without workers."""
    yield
    if not stack.status(stack_home).running:  # else it would wait for other homes that start
        stack.up(stack_home)
    supervisor = running(stack_home)
    assert supervisor
    workers = [process.name for process in supervisor.snapshot().processes if process.role is not Role.SERVER]
    supervisor.stop(workers, kill=True)
    supervisor.remove(workers)
