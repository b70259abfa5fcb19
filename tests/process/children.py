"""Small child processes for the supervisor to run, and ways to await what becomes of them. Not a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from clickstream.actions.control import Control
from clickstream.domain.processes import ProcessSpec, ProcessState, ProcessStatus, RestartPolicy, Role
from tests.waiting import AT_MOST

QUICK = RestartPolicy(first_delay=0.001, max_delay=0.01, give_up_after=3)
NEVER = RestartPolicy(give_up_after=1)

READY = "import os, signal, subprocess, sys, time; print('ready', flush=True)\n"
"""What most scripts begin with: ready_pattern looks for it."""

SLEEP = "import time; time.sleep(600)\n"

IGNORE_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-u", "-c", script)


def child(script: str = READY + SLEEP, name: str = "child", **settings: Any) -> ProcessSpec:
    """A process that runs `script`; ready by its line `ready` unless told otherwise."""
    defaults: dict[str, Any] = {"role": Role.SERVER, "ready_pattern": "^ready", "restart": QUICK, "stop_timeout": 10.0}
    return ProcessSpec(name=name, argv=python(script), **(defaults | settings))


def run(supervisor: Control, *specs: ProcessSpec) -> list[ProcessStatus]:
    """Start them and wait until all run."""
    supervisor.start(specs)
    snapshot = supervisor.wait([spec.name for spec in specs], {ProcessState.RUNNING}, AT_MOST)
    return [status for spec in specs if (status := snapshot.get(spec.name)) is not None]


def reached(supervisor: Control, name: str, *states: ProcessState) -> ProcessStatus:
    """Its status, once it is in one of `states`."""
    status = supervisor.wait([name], states, AT_MOST).get(name)
    assert status is not None
    return status


def seen(supervisor: Control, name: str, condition: Callable[[ProcessStatus], object]) -> ProcessStatus:
    """Its first status for which the condition holds."""
    for snapshot in supervisor.watch():
        status = snapshot.get(name)
        if status is not None and condition(status):
            return status
    raise AssertionError("the supervisor has ended")


def alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
