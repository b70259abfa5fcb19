"""Stopping and restarting one process of this home by name, whatever it is."""

from __future__ import annotations

from clickstream.actions.workers import READY_WITHIN, control_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import UsageError
from clickstream.domain.processes import SETTLED, ProcessState


def stop(settings: Settings, name: str) -> bool:
    """Stop it and wait for its end; False if it did not run.

    Raises:
        UsageError: there is no process of that name.
        ClickstreamError: nothing runs here.
    """
    control = control_of(settings)
    process = control.snapshot().get(name)
    if process is None:
        raise UsageError(f"no process is called {name}", hint="`clickstream status` and `stack status` list them")
    control.stop([name])
    return process.state not in SETTLED


def restart(settings: Settings, name: str) -> None:
    """Stop it, start it again as it was started, and return once it is ready.

    Raises:
        UsageError: there is no process of that name.
        ClickstreamError: nothing runs here; it did not become ready.
    """
    control = control_of(settings)
    control.restart([name])
    control.wait([name], {ProcessState.RUNNING, ProcessState.FINISHED}, READY_WITHIN)
