"""A worker's heartbeats: its figures, kept for a while where any terminal finds them, beside the work and never in its
way; and the history of its positions."""

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
from clickstream.services.valkey.board import Board, Post
from clickstream.services.valkey.connection import connect
from clickstream.services.valkey.trail import NOTED_EVERY, Trail

_logger = logging.getLogger("clickstream.notices")


class Heartbeats:
    """Sent from a thread of their own; while one hangs, the next ones are skipped."""

    def __init__(self, valkey: ValkeySettings, kafka: KafkaSettings, *, name: str, role: Role) -> None:
        client = connect(valkey, patience=0)
        self._registry = Board(client, topic=kafka.events_topic)
        self._history = Trail(client, topic=kafka.events_topic)
        self._noted_at = 0.0
        self._background = Background("heartbeats")
        self._away = False
        self._who = (name, role, socket.gethostname(), os.getpid(), time.time())

    def send(self, report: WorkerReport) -> None:
        self._background.offer(lambda: self._send(Post(*self._who, report)))

    def end(self, report: WorkerReport) -> None:
        """Remove the last one and end the thread."""
        self._background.finish(lambda: self._end(Post(*self._who, report)))

    def _send(self, heartbeat: Post) -> None:
        report = heartbeat.report
        try:
            self._registry.post(heartbeat)
            # The history is the past of the consumers' lag; an indexer's positions are another group's.
            if heartbeat.role is Role.CONSUMER and report.positions and report.at - self._noted_at >= NOTED_EVERY:
                self._history.add(report.at, report.positions)
                self._noted_at = report.at
        except ClickstreamError as error:
            if not self._away:
                _logger.warning("figures not published: %s", error)
            self._away = True
        else:
            self._away = False

    def _end(self, heartbeat: Post) -> None:
        try:
            self._registry.take_down(heartbeat)
        except ClickstreamError as error:
            if not self._away:  # else it was said already
                _logger.warning("figures not taken down: %s", error)
