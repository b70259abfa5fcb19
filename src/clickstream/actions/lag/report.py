"""The partitions and what holds their consumers up, once: the very figures of the dashboard's third screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from clickstream.actions.lag.back_pressure import BackPressure, back_pressure
from clickstream.actions.lag.measure import missing_topic
from clickstream.actions.watch.frame import DOWN, OFF, Frame, PartitionRow
from clickstream.actions.watch.watcher import Watcher
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.obstacles import Obstacle

LOOK_FOR = 4.0
"""Seconds of watching from the first figures on: rates are taken over three."""

PATIENCE = 15.0
"""Seconds to wait for the first figures."""


@dataclass(frozen=True, slots=True)
class LagReport:
    """What the watching has shown at its end."""

    topic: str
    total: int
    partitions: tuple[PartitionRow, ...]
    consumers: tuple[BackPressure, ...]
    obstacles: tuple[Obstacle, ...] = ()
    """What in Kafka keeps messages from being stored."""


def report(load: Callable[[], Settings]) -> LagReport:
    """Watch for a few seconds. Raises ClickstreamError when the topic is missing or a server does not answer."""
    with Watcher(load) as watcher:
        began = time.monotonic()
        first: float | None = None
        for frame in watcher.frames():
            now = time.monotonic()
            if frame.partitions and first is None:
                first = now
            if first is not None and now - first >= LOOK_FOR:
                return _report(frame)
            _refuse(frame, silent_for=now - began if first is None else 0.0)
    raise ClickstreamError("nothing was seen")


def _report(frame: Frame) -> LagReport:
    consumers = tuple(back_pressure(row, frame.held) for row in frame.workers("consumer"))
    return LagReport(frame.topic, frame.lag or 0, frame.partitions, consumers, frame.obstacles)


def _refuse(frame: Frame, *, silent_for: float) -> None:
    for name in ("kafka", "postgresql"):
        service = frame.service(name)
        if service.state in {DOWN, OFF}:
            raise ClickstreamError(service.error or f"{name} does not answer")
    if frame.topic_exists is False:
        raise missing_topic(frame.topic)
    if silent_for > PATIENCE:
        raise ClickstreamError(f"no figures within {PATIENCE:g} s")
