"""Restarting workers: one after the other, the next one when the one before has caught up, or all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickstream.actions.control import Control
from clickstream.actions.processes.workers import start_and_wait
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ProcessSpec, ProcessState, Role, Snapshot
from clickstream.domain.reports import WorkerReport, WorkerState

CAUGHT_UP_WITHIN = 60.0
"""Seconds that a restarted worker may take to be where it was."""

IN_STEP = 500
"""A lag up to this many messages is the work under way."""


@dataclass(frozen=True, slots=True)
class RestartedWorker:
    """One worker that was restarted."""

    name: str
    seconds: float
    """From its stop until it had caught up or, with --all-at-once, until it was running."""

    def summary(self) -> str:
        return f"restarted: {self.name}, after {self.seconds:g} s"


def roll(
    control: Control, specs: Sequence[ProcessSpec], on_restart: Callable[[RestartedWorker], None]
) -> tuple[RestartedWorker, ...]:
    """Stop and start each. `on_restart`: called after each.

    A worker has caught up when it has partitions again, this home's workers together have all the partitions that they
    had before, and their lag is hardly larger than before.

    Raises:
        ClickstreamError: one did not start, or has not caught up in time; those after it are left as they are.
    """
    done: list[RestartedWorker] = []
    for number, spec in enumerate(specs):
        before = _Group.of(control.snapshot(), spec.role)
        began = time.monotonic()
        control.stop([spec.name])
        try:
            start_and_wait(control, [spec])
            _await_caught_up(control, spec, before)
        except ClickstreamError as error:
            left = [one.name for one in specs[number + 1 :]]
            if not left:
                raise
            raise ClickstreamError(
                f"{error.args[0]}; not restarted: {', '.join(left)}",
                hint=error.hint or "`clickstream consumer restart --all-at-once` waits for none",
            ) from error
        done.append(RestartedWorker(spec.name, round(time.monotonic() - began, 1)))
        on_restart(done[-1])
    return tuple(done)


def restart_together(
    control: Control, specs: Sequence[ProcessSpec], on_restart: Callable[[RestartedWorker], None]
) -> tuple[RestartedWorker, ...]:
    """Stop all, start all, and wait for nothing but that they work. Raises ClickstreamError: one did not start."""
    began = time.monotonic()
    control.stop([spec.name for spec in specs])
    start_and_wait(control, specs)
    done = tuple(RestartedWorker(spec.name, round(time.monotonic() - began, 1)) for spec in specs)
    for one in done:
        on_restart(one)
    return done


@dataclass(frozen=True, slots=True)
class _Group:
    """This home's workers of one role, by what they report."""

    reports: dict[str, WorkerReport]

    @classmethod
    def of(cls, snapshot: Snapshot, role: Role) -> _Group:
        running = [one for one in snapshot.of(role) if one.state is ProcessState.RUNNING]
        return cls({one.name: one.report for one in running if one.report})

    @property
    def partitions(self) -> set[int]:
        return {partition for report in self.reports.values() for partition in report.partitions}

    @property
    def lag(self) -> int:
        return sum(report.lag or 0 for report in self.reports.values())

    def has_caught_up(self, name: str, before: _Group) -> bool:
        report = self.reports.get(name)
        if report is None or report.state == WorkerState.WAITING:
            return False
        if name in before.reports and before.reports[name].partitions and (not report.partitions or report.lag is None):
            return False
        return before.partitions <= self.partitions and self.lag <= max(IN_STEP, before.lag)


def _await_caught_up(control: Control, spec: ProcessSpec, before: _Group) -> None:
    deadline = time.monotonic() + CAUGHT_UP_WITHIN
    found = before
    for snapshot in control.watch():
        found = _Group.of(snapshot, spec.role)
        if found.has_caught_up(spec.name, before):
            return
        process = snapshot.get(spec.name)
        if process is None or process.state is ProcessState.FAILED:
            raise ClickstreamError(
                f"{spec.name} failed after its restart: {process.exit_reason if process else 'gone'}"
            )
        if time.monotonic() > deadline:
            break
    report = found.reports.get(spec.name)
    why = report.detail if report and report.detail else f"{found.lag:,} messages wait"
    raise ClickstreamError(f"{spec.name} has not caught up {CAUGHT_UP_WITHIN:g} s after its restart: {why}")
