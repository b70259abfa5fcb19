"""Changing how many consumers of this home run, while they run."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions import consumers
from clickstream.actions.consumers import Kind
from clickstream.actions.group import UNDER_WAY
from clickstream.actions.workers import find
from clickstream.config.settings import Settings
from clickstream.domain.errors import UsageError
from clickstream.domain.processes import Role


@dataclass(frozen=True, slots=True)
class Scaled:
    """What a scaling did."""

    before: int
    now: int
    started: tuple[str, ...]
    stopped: tuple[str, ...]

    def summary(self) -> str:
        return f"consumers: {self.before} → {self.now}"


def scale(settings: Settings, count: int) -> Scaled:
    """Have `count` consumers run: start more, or stop those with the highest numbers.

    Raises:
        UsageError: fewer than none, or more than partitions.
        ClickstreamError: a server does not answer or refuses; a consumer did not start.
    """
    if count < 0:
        raise UsageError(f"{count} is not a number of consumers", hint="give a whole number from 0 upwards")
    running = [process.name for process in find(settings, Role.CONSUMER) if process.state in UNDER_WAY]
    running.sort(key=lambda name: (len(name), name))
    if count < len(running):
        stopped = consumers.stop(settings, tuple(running[count:]))
        return Scaled(len(running), count, (), stopped.stopped)
    started = consumers.start(settings, count=count, kind=Kind.POSTGRESQL).started if count > len(running) else ()
    return Scaled(len(running), len(running) + len(started), started, ())
