"""Runs a worker under a supervisor: `clickstream worker ROLE --report`.

Without --report, foreground.py runs it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clickstream.config.settings import load_settings
from clickstream.domain.errors import FileFault
from clickstream.domain.pace import FULL_SPEED, Pace
from clickstream.domain.processes import Role
from clickstream.pipeline.process.run import EXIT_FILE_FAULT, WorkerOptions, run_to_end

if TYPE_CHECKING:
    from clickstream.config.settings import Settings
    from clickstream.pipeline.group.reader import Reader

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a worker is told on its command line."""

    name: str = ""
    """In logs and lists; empty: the role and a number, or in the foreground the role, the host and the pid."""
    report: bool = False
    """It has a supervisor, which reads its reports."""
    log_json: bool = False
    health_file: Path | None = None
    accept_gap: bool = False
    """Of a consumer or an indexer: continue where Kafka removed messages that were never read."""
    file: Path | None = None
    """Of a producer, as `limit` and `pace`; None: the settings' PRODUCER_DATA_FILE."""
    limit: int | None = None
    pace: Pace = FULL_SPEED


def run_worker(role: Role, options: RunOptions) -> int:
    """Work until done or stopped; the exit code.

    Raises:
        ClickstreamError: it cannot start, or cannot go on.
        SettingsError: a setting is wrong.
    """
    settings = load_settings()
    if role is not Role.PRODUCER:
        name = options.name or f"{role}-0"
        told = WorkerOptions(name, options.accept_gap, options.report)
        make = reader_of(role)
        return run_to_end(role, name, lambda stop: make(settings, told, stop).run())
    from clickstream.pipeline.process.loop import configure_logging  # noqa: PLC0415
    from clickstream.pipeline.producer.worker import ProducerOptions, run  # noqa: PLC0415

    configure_logging("producer")
    sending = ProducerOptions(options.file, options.limit, options.pace, options.report)
    try:
        return run(settings, sending, orders=0 if options.report else None)
    except FileFault as fault:
        _logger.error("%s", fault)
        return EXIT_FILE_FAULT


def reader_of(role: Role) -> Callable[[Settings, WorkerOptions, threading.Event], Reader[Any]]:
    """What makes a consumer or an indexer; loads that one only."""
    if role is Role.CONSUMER:
        from clickstream.pipeline.consumer.sink import consumer  # noqa: PLC0415

        return consumer
    from clickstream.pipeline.indexer.sink import indexer  # noqa: PLC0415

    return indexer
