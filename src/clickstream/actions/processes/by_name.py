"""Stops, restarts, kills and freezes one process of this home by name, server or worker."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass

from clickstream.actions.control import running
from clickstream.actions.processes.workers import READY_WITHIN, control_of
from clickstream.config.settings import Settings
from clickstream.domain import spelling
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ALIVE, FINAL_STATES, ProcessState, ProcessStatus, Snapshot


@dataclass(frozen=True, slots=True)
class StoppedProcess:
    """What a stop found."""

    name: str
    ran: bool
    """It ran until then."""

    def summary(self) -> str:
        return f"{self.name} stopped" if self.ran else f"{self.name} was not running"


@dataclass(frozen=True, slots=True)
class RestartedProcess:
    """A process that was stopped and started again."""

    name: str

    def summary(self) -> str:
        return f"{self.name} restarted"


@dataclass(frozen=True, slots=True)
class SignalledProcess:
    """A process that was sent a signal."""

    name: str
    pid: int
    signal: signal.Signals

    def summary(self) -> str:
        if self.signal is signal.SIGKILL:
            return f"{self.name}: SIGKILL to process {self.pid}"
        if self.signal is signal.SIGSTOP:
            return f"{self.name} is frozen; `clickstream worker thaw {self.name}` lets it continue"
        return f"{self.name} continues"


def stop(settings: Settings, name: str) -> StoppedProcess:
    """Stop it and wait for its end.

    Raises:
        UsageError: the name is unknown.
        ClickstreamError: nothing runs here.
    """
    control = control_of(settings)
    process = _find(control.snapshot(), name)
    control.stop([name])
    return StoppedProcess(name, process.state not in FINAL_STATES)


def restart(settings: Settings, name: str) -> RestartedProcess:
    """Stop it, start it again as it was started, and return once it is ready.

    Raises:
        UsageError: the name is unknown.
        ClickstreamError: nothing runs here; it did not become ready.
    """
    control = control_of(settings)
    _find(control.snapshot(), name)
    control.restart([name])
    control.wait([name], {ProcessState.RUNNING, ProcessState.FINISHED}, READY_WITHIN)
    return RestartedProcess(name)


def kill(settings: Settings, name: str) -> SignalledProcess:
    """SIGKILL, with no time to finish; its supervisor starts it again, as after any death.

    Raises:
        UsageError: the name is unknown, or the process does not run.
        ClickstreamError: nothing runs here.
    """
    pid = _pid(settings, name)
    with suppress(ProcessLookupError):  # it ended by itself in this very moment
        os.kill(pid, signal.SIGKILL)
    return SignalledProcess(name, pid, signal.SIGKILL)


def freeze(settings: Settings, name: str, *, frozen: bool) -> SignalledProcess:
    """SIGSTOP or SIGCONT for the process and its children: it hangs, as one does on a machine that swaps.

    Raises:
        UsageError: the name is unknown, or the process does not run.
        ClickstreamError: nothing runs here.
    """
    import psutil  # noqa: PLC0415 (slow to load)

    pid, number = _pid(settings, name), signal.SIGSTOP if frozen else signal.SIGCONT
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.send_signal(number)
    return SignalledProcess(name, pid, number)


def _find(snapshot: Snapshot, name: str) -> ProcessStatus:
    process = snapshot.get(name)
    if process is None:
        known = [one.name for one in snapshot.processes]
        listed = "`clickstream status` and `stack status` list them"
        raise UsageError(f"no process is called {name}", hint=spelling.hint(name, known, listed))
    return process


def _pid(settings: Settings, name: str) -> int:
    control = running(settings.home)
    if control is None:
        raise ClickstreamError(
            "nothing runs here: the supervisor is not running", hint="`clickstream stack up` starts one"
        )
    process = _find(control.snapshot(), name)
    if process.state not in ALIVE or process.state is ProcessState.STOPPING or process.pid is None:
        raise UsageError(f"{name} is {process.state}, so there is nothing to kill")
    return process.pid
