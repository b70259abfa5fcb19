"""Sends a worker's heartbeats and the history of its positions, in a thread beside the work."""

from __future__ import annotations

import logging
import os
import socket
import time

from clickstream.config.settings import KafkaSettings, ValkeySettings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.process.loop import Background
from clickstream.services.valkey.connection import connect
from clickstream.services.valkey.heartbeats import Heartbeat, HeartbeatRegistry
from clickstream.services.valkey.position_history import NOTED_EVERY, PositionHistory

_logger = logging.getLogger("clickstream.heartbeats")


class Heartbeats:
    """Sent from a thread of their own; while one hangs, the next ones are skipped."""

    def __init__(self, valkey: ValkeySettings, kafka: KafkaSettings, *, name: str, role: Role) -> None:
        client = connect(valkey, patience=0)
        self._registry = HeartbeatRegistry(client, topic=kafka.events_topic)
        self._history = PositionHistory(client, topic=kafka.events_topic)
        self._noted_at = 0.0
        self._background = Background("heartbeats")
        self._away = False
        self._identity = (name, role, socket.gethostname(), os.getpid(), time.time())

    def send(self, report: WorkerReport) -> None:
        self._background.offer(lambda: self._send(Heartbeat(*self._identity, report)))

    def end(self, report: WorkerReport) -> None:
        """Remove the last one and end the thread."""
        self._background.finish(lambda: self._end(Heartbeat(*self._identity, report)))

    def _send(self, heartbeat: Heartbeat) -> None:
        report = heartbeat.report
        try:
            self._registry.put(heartbeat)
            # The history is the past of the consumers' lag; an indexer's positions are another group's.
            if heartbeat.role is Role.CONSUMER and report.positions and report.at - self._noted_at >= NOTED_EVERY:
                self._history.add(report.at, report.positions)
                self._noted_at = report.at
        except ClickstreamError as error:
            if not self._away:
                _logger.warning("heartbeat not sent: %s", error)
            self._away = True
        else:
            self._away = False

    def _end(self, heartbeat: Heartbeat) -> None:
        try:
            self._registry.remove(heartbeat)
        except ClickstreamError as error:
            if not self._away:  # else it was said already
                _logger.warning("heartbeat not removed: %s", error)
