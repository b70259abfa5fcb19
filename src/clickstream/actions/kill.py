"""Killing a process of this home as a fault would, to see what the pipeline makes of it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from clickstream.actions.control import running
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ALIVE, ProcessState


def kill(settings: Settings, name: str) -> int:
    """SIGKILL, with no time to finish; its supervisor starts it again, as after any death. The pid that was killed.

    Raises:
        UsageError: there is no process of that name, or it does not run.
        ClickstreamError: nothing runs here.
    """
    pid = _pid(settings, name)
    with suppress(ProcessLookupError):  # it ended by itself in this very moment
        os.kill(pid, signal.SIGKILL)
    return pid


def freeze(settings: Settings, name: str, *, frozen: bool) -> int:
    """SIGSTOP or SIGCONT for the process and its children: it hangs, as one does on a machine that swaps. Its pid.

    Raises:
        UsageError: there is no process of that name, or it does not run.
        ClickstreamError: nothing runs here.
    """
    import psutil  # noqa: PLC0415 (slow to load)

    pid = _pid(settings, name)
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)
    return pid


def _pid(settings: Settings, name: str) -> int:
    control = running(settings.home)
    if control is None:
        raise ClickstreamError("nothing runs here: there is no supervisor", hint="`clickstream stack up` starts one")
    process = control.snapshot().get(name)
    if process is None:
        raise UsageError(f"no process is called {name}")
    if process.state not in ALIVE or process.state is ProcessState.STOPPING or process.pid is None:
        raise UsageError(f"{name} is {process.state}, so there is nothing to kill")
    return process.pid
