"""Runs a worker in the foreground: `clickstream worker ROLE` without a supervisor, as in a container.

Settings come from the environment, the log goes to stdout, a probe looks at a health file; see
pipeline/process/foreground.py.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from clickstream.actions.processes.supervised import RunOptions, reader_of
from clickstream.actions.servers import kafka_of
from clickstream.config.problems import SettingsError
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable, UsageError
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerState
from clickstream.pipeline.process.foreground import Foreground, Health, HealthFile, log_to_stdout
from clickstream.pipeline.process.loop import Backoff
from clickstream.pipeline.process.run import WorkerOptions, run_to_end

WRONG_USE = 2

_LOOK_EVERY = 0.1

_logger = logging.getLogger("clickstream.foreground")


@dataclass(frozen=True, slots=True)
class _Job:
    """What a role does."""

    prepare: Callable[[], Any]
    """Makes what is missing on the servers; tried until they answer."""
    work: Callable[[threading.Event], Any]
    """Works until done or stopped."""


def run_foreground(role: Role, options: RunOptions) -> int:
    """Work until done or stopped; the exit code.

    That is 0 for done or stopped as asked (SIGTERM), 1 where it cannot go on, 2 for wrong settings or use, 3 for an
    offset that Kafka holds no more, 4 for a data file that cannot be read. Servers that do not answer are waited for.

    Raises:
        SettingsError, UsageError: what is wrong with settings or command line; with --log-json they are logged.
        KeyboardInterrupt: it has ended well after a SIGINT.
    """
    name = options.name or f"{role}-{socket.gethostname()}-{os.getpid()}"
    set_up_log = partial(log_to_stdout, as_json=options.log_json)
    try:
        settings = load_settings()
        health = HealthFile(options.health_file)
        foreground = Foreground(health, figures=role is not Role.PRODUCER)
        make = _producer if role is Role.PRODUCER else partial(_reader, role)
        job = make(settings, options, name, foreground)
    except (SettingsError, UsageError) as error:
        if not options.log_json:
            raise
        set_up_log(name)
        for line in str(error).splitlines():
            _logger.error("%s", line)
        return WRONG_USE

    def work(stop: threading.Event) -> None:
        if _prepare(job.prepare, health, stop):
            job.work(stop)

    try:
        return run_to_end(role, name, work, set_up_log=set_up_log)
    finally:
        health.remove()


def _prepare(make: Callable[[], Any], health: HealthFile, stop: threading.Event) -> bool:
    """Call `make` until the servers answer; False when a stop comes first. Raises what waiting cannot fix."""
    pause, said = Backoff(), False
    while not stop.is_set():
        try:
            make()
        except ServiceUnavailable as error:
            if not said:
                _logger.warning("waiting: %s", error)
            said = True
            health.renew(Health(WorkerState.WAITING, str(error)))
            pause.failed()
            while not pause.due and not stop.wait(_LOOK_EVERY):
                pass
        else:
            return True
    return False


def _reader(role: Role, settings: Settings, options: RunOptions, name: str, foreground: Foreground) -> _Job:
    """A consumer or an indexer."""
    from clickstream.actions.prepare import prepare  # noqa: PLC0415 (a worker loads its own role only)

    if role is Role.INDEXER and not settings.opensearch.enabled:
        raise UsageError("OPENSEARCH_ENABLED is false: nothing is indexed", hint="set it to true, and OPENSEARCH_HOST")
    told = WorkerOptions(name, options.accept_gap, on_report=foreground.receive)
    make = reader_of(role)
    return _Job(lambda: prepare(settings), lambda stop: make(settings, told, stop).run())


def _producer(settings: Settings, options: RunOptions, _name: str, foreground: Foreground) -> _Job:
    from clickstream.actions.prepare import refuse_compacted  # noqa: PLC0415
    from clickstream.pipeline.events.csvfile.reader import refuse_unreadable  # noqa: PLC0415
    from clickstream.pipeline.producer.worker import ProducerOptions, run  # noqa: PLC0415
    from clickstream.services.kafka.admin import create_topic  # noqa: PLC0415

    file = (options.file or settings.pipeline.data_file).expanduser()
    if not file.is_file():
        raise UsageError(f"{file} is not there, or not a file", hint="PRODUCER_DATA_FILE or --file names another")
    sending = ProducerOptions(file, options.limit, options.pace, on_report=foreground.receive)

    def prepare() -> None:
        refuse_unreadable(file)
        kafka = kafka_of(settings)
        refuse_compacted(kafka, create_topic(kafka))

    def work(stop: threading.Event) -> None:
        if run(settings, sending, stop=stop):
            raise ClickstreamError("Kafka refused some of the events", hint="the lines above say why")

    return _Job(prepare, work)
