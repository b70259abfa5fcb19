"""Putting a worker's figures up on the notice board, beside the work and never in its way."""

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


class Notices:
    """Posts from a thread of its own; while one post hangs, the next ones are skipped."""

    def __init__(self, valkey: ValkeySettings, kafka: KafkaSettings, *, name: str, role: Role) -> None:
        client = connect(valkey, patience=0)
        self._board = Board(client, topic=kafka.events_topic)
        self._trail = Trail(client, topic=kafka.events_topic)
        self._trailed = 0.0
        self._background = Background("notices")
        self._away = False
        self._who = (name, role, socket.gethostname(), os.getpid(), time.time())

    def post(self, report: WorkerReport) -> None:
        self._background.offer(lambda: self._post(Post(*self._who, report)))

    def take_down(self, report: WorkerReport) -> None:
        """Remove the last post and end the thread."""
        self._background.finish(lambda: self._take_down(Post(*self._who, report)))

    def _post(self, post: Post) -> None:
        try:
            self._board.post(post)
            # The trail is the past of the consumers' lag; an indexer's positions are another group's.
            if post.role is Role.CONSUMER and post.report.positions and post.report.at - self._trailed >= NOTED_EVERY:
                self._trail.add(post.report.at, post.report.positions)
                self._trailed = post.report.at
        except ClickstreamError as error:
            if not self._away:
                _logger.warning("figures not published: %s", error)
            self._away = True
        else:
            self._away = False

    def _take_down(self, post: Post) -> None:
        try:
            self._board.take_down(post)
        except ClickstreamError as error:
            if not self._away:  # else it was said already
                _logger.warning("figures not taken down: %s", error)
