"""Faults of processes: killed, frozen, stopped, without room on the disk; the supervisor itself; Valkey emptied.

Each injects the fault, reverts it, and returns when the process runs again.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from clickstream.actions import stack
from clickstream.actions.faults.catalogue import CONSUMER
from clickstream.actions.faults.context import Context
from clickstream.actions.faults.context import consumers as consumers_of
from clickstream.actions.faults.holders import await_back, await_end, hold
from clickstream.actions.observe.model import BAD, GOOD, WARN
from clickstream.actions.processes import consumers
from clickstream.actions.processes.workers import UNDER_WAY
from clickstream.actions.servers import valkey_of
from clickstream.config.settings import load_settings
from clickstream.domain.processes import ProcessStatus, Role, Snapshot
from clickstream.services.valkey import server as valkey_server

ENDS_WITHIN = 90.0
"""Seconds in which all that a killed supervisor ran must have ended by itself."""


def kill(context: Context) -> None:
    """SIGKILL; the supervisor starts it again."""
    victim, control = context.victim(), context.control
    with suppress(ProcessLookupError):  # it ended in this very moment
        os.kill(victim.pid or 0, signal.SIGKILL)
    context.add_step("killed", f"{victim.name}, process {victim.pid}", level=BAD)
    snapshot = await_back(context, control, victim.name, after=victim)
    context.add_step("restarted", victim.name, level=GOOD, at=snapshot.at)


def freeze(context: Context) -> None:
    """SIGSTOP, SIGCONT."""
    victim, control = context.victim(), context.control
    with hold(context, "freeze", victim.name) as injected:
        context.add_step("frozen", victim.name, level=BAD, at=injected.at)
        takeover = _Takeover(context, victim)
        ended = await_end(control, context, "freeze", victim.name, takeover.watch)
    context.add_step("thawed", victim.name, level=GOOD, at=ended.at)


class _Takeover:
    """Notices when others have all the partitions of a consumer that hangs."""

    def __init__(self, context: Context, victim: ProcessStatus) -> None:
        self._context = context
        self._name = victim.name
        self._wanted = set(victim.report.partitions) if victim.report and context.fault.target == CONSUMER else set()

    def watch(self, snapshot: Snapshot) -> None:
        reports = [one.report for one in snapshot.of(Role.CONSUMER) if one.name != self._name and one.report]
        if self._wanted and self._wanted <= {number for report in reports for number in report.partitions}:
            self._context.add_step("taken over", f"partitions {sorted(self._wanted)}", level=GOOD, at=snapshot.at)
            self._wanted = set()


def stop(context: Context) -> None:
    """A polite stop, and a start."""
    victim, control = context.victim(), context.control
    with hold(context, "stop", victim.name) as injected:
        context.add_step("stopped", victim.name, level=BAD, at=injected.at)
        await_end(control, context, "stop", victim.name)
    snapshot = await_back(context, control, victim.name)
    context.add_step("started again", victim.name, level=GOOD, at=snapshot.at)


def fill_disk(context: Context) -> None:
    """Not a byte more for the server's processes, those that take the place of dead ones included."""
    victim, control = context.victim(), context.control
    with hold(context, "fill-disk", victim.name) as injected:
        context.add_step("disk full", victim.name, level=BAD, at=injected.at)
        if victim.name == "valkey":
            valkey_server.snapshot(valkey_of(context.settings))
        ended = await_end(control, context, "fill-disk", victim.name)
    context.add_step("room again", victim.name, level=GOOD, at=ended.at)
    snapshot = await_back(context, control, victim.name)
    process = snapshot.get(victim.name)
    if process is not None and process.started_at != victim.started_at:
        context.add_step("restarted", victim.name, level=GOOD, at=snapshot.at)


def flush(context: Context) -> None:
    """Everything out of Valkey."""
    keys = valkey_server.flush(valkey_of(context.settings))
    context.add_step("flushed", f"Valkey, {keys:,} keys", level=BAD)


def kill_supervisor(context: Context) -> None:
    """SIGKILL to the supervisor; everything ends with it, and the next command brings it back."""
    snapshot = context.control.snapshot()
    count = len(consumers_of(snapshot.processes))
    producing = [one for one in snapshot.of(Role.PRODUCER) if one.state in UNDER_WAY]
    owned = [psutil.Process(one.pid) for one in snapshot.processes if one.pid and psutil.pid_exists(one.pid)]
    os.kill(snapshot.supervisor_pid, signal.SIGKILL)
    context.add_step("killed", f"the supervisor, process {snapshot.supervisor_pid}", level=BAD)
    try:
        _, alive = psutil.wait_procs(owned, timeout=ENDS_WITHIN)
        if alive:
            context.add_step("unowned", f"{len(alive)} of its processes are still there", level=WARN)
        else:
            context.add_step("all ended", "servers and workers, by themselves", level=WARN)
    finally:
        _bring_back(context, count)
    for one in producing:
        sent = f" ({one.report.events:,} acknowledged)" if one.report else ""
        context.add_note(
            "the producer stays stopped" + sent,
            "`clickstream producer start` sends its file again; what is stored already is dropped",
        )


def _bring_back(context: Context, count: int) -> None:
    stack.up(context.settings.home)
    context.settings = load_settings()
    context.add_step("servers back", "by the next command, `clickstream stack up`", level=GOOD)
    consumers.start(context.settings, count=count)
    context.add_step("consumers back", f"{count}, by `clickstream consumer start`", level=GOOD)
