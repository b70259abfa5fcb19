"""Faults that last: a process of the supervisor holds each and reverts it, even when the command that asked is killed.

So a killed `faults inject` leaves nothing frozen, full or stopped beyond the fault's own time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from clickstream.actions.control import Control
from clickstream.actions.faults.context import BACK_WITHIN, Context
from clickstream.actions.observe.model import WARN
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import FINAL_STATES, ProcessSpec, ProcessState, ProcessStatus, Role, Snapshot

MODULE = "clickstream.supervision.fault_holder"
INJECTED_WITHIN = 90.0
"""Seconds that a holder may take to inject it: a polite stop of a server takes its time."""


def holder_name(how: str, name: str) -> str:
    return f"fault-{how}-{name}"


def fault_process(name: str, module: str, arguments: tuple[str, ...], ready: str) -> ProcessSpec:
    """A process of the supervisor's own that holds a fault."""
    return ProcessSpec(
        name=name,
        role=Role.FAULT,
        argv=(sys.executable, "-P", "-m", module, *arguments),  # -P: no module is taken from the home's folder
        ready_pattern=f"^{ready}",
        ready_timeout=INJECTED_WITHIN,
        stop_timeout=INJECTED_WITHIN,
    )


@contextmanager
def hold(context: Context, how: str, name: str, *flags: str) -> Iterator[Snapshot]:
    """The fault holds from the block's beginning on, for the context's seconds or until the block ends.

    Args:
        context: of the injection.
        how: as the holder knows it: `freeze`, `fill-disk`, `stop`.
        name: the process that it befalls.
        flags: more of the holder's arguments.

    Yields:
        The supervisor's snapshot of the moment in which it was injected.

    Raises:
        UsageError: it is held already.
        ClickstreamError: it could not be injected, or the supervisor is gone.
    """
    control = context.control
    holder = holder_name(how, name)
    present = control.snapshot().get(holder)
    if present is not None and present.state not in FINAL_STATES:
        raise UsageError(
            f"{context.fault.name} is under way already", hint=f"`clickstream worker stop {holder}` ends it"
        )
    latest = time.monotonic() + context.seconds + INJECTED_WITHIN
    term = ("--seconds", repr(context.seconds), "--latest", repr(latest))
    spec = fault_process(holder, MODULE, (how, name, *term, *flags), "injected")
    try:
        control.start([spec])
        yield control.wait([holder], {ProcessState.RUNNING, ProcessState.FINISHED}, INJECTED_WITHIN + 10)
    finally:
        with suppress(ClickstreamError):  # gone with the supervisor, and the fault with it
            control.stop([holder])
            control.remove([holder])


def await_end(
    control: Control, context: Context, how: str, name: str, seen: Callable[[Snapshot], None] | None = None
) -> Snapshot:
    """Wait until the held fault is over by itself; `seen` is shown each snapshot meanwhile.

    Raises:
        ClickstreamError: it does not end, or the supervisor is gone.
    """
    holder = holder_name(how, name)
    deadline = time.monotonic() + context.seconds + INJECTED_WITHIN
    for snapshot in control.watch():
        context.tick()
        if seen is not None:
            seen(snapshot)
        process = snapshot.get(holder)
        if process is None or process.state in FINAL_STATES:
            return snapshot
        if time.monotonic() > deadline:
            raise ClickstreamError(f"{holder} does not end", hint=f"see its log, {holder}.log")
    raise ClickstreamError("the supervisor has gone, and the fault with it")


def await_back(context: Context, control: Control, name: str, *, after: ProcessStatus | None = None) -> Snapshot:
    """Wait until the process runs; where `after` is given, in another life than that.

    One that its supervisor gave up, having seen it die too often, is started again: it was us who broke it.

    Raises:
        ClickstreamError: it does not come back, or the supervisor is gone.
    """
    deadline = time.monotonic() + BACK_WITHIN
    for snapshot in control.watch():
        context.tick()
        process = snapshot.get(name)
        if process is None:
            raise ClickstreamError(f"{name} is gone")
        if process.state is ProcessState.FAILED:
            if time.monotonic() > deadline:
                raise ClickstreamError(f"{name} does not come back: {process.exit_reason}")
            context.add_step("had given up", f"{name}: {process.exit_reason}", level=WARN)
            control.restart([name])
            after = None
            continue
        again = after is None or process.started_at != after.started_at
        if again and process.state in {ProcessState.RUNNING, ProcessState.FINISHED}:
            return snapshot
        if time.monotonic() > deadline:
            raise ClickstreamError(f"{name} is not back after {BACK_WITHIN:g} s: it is {process.state}")
    raise ClickstreamError("the supervisor has gone")
