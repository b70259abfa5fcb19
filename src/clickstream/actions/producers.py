"""Starting and stopping this home's producer, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clickstream.actions.control import ensure
from clickstream.actions.group import UNDER_WAY, Worker, local_workers, snapshot_of
from clickstream.actions.servers import kafka_of
from clickstream.actions.workers import PRODUCER, control_of, find, producer_spec, start_and_wait
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import Role
from clickstream.pipeline.pacing import parse_factor
from clickstream.services.kafka.admin import create_topic


@dataclass(frozen=True, slots=True)
class Run:
    """What a producer is asked to do."""

    file: Path
    limit: int | None = None
    rate: float | None = None
    realtime: str | None = None
    """How many times as fast as it happened: `1x`, `5x`, `0.5x`."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop found."""

    running: bool
    """It ran until now."""
    acknowledged: int
    """Events that Kafka has acknowledged in this run."""
    total: int
    """Events that the run was to send."""


def start(settings: Settings, run: Run) -> Worker:
    """Have the producer send the file; returns once it has begun. The topic is made where it is missing.

    Raises:
        UsageError: options that exclude one another or cannot be.
        ClickstreamError: no such file, a producer is running already, Kafka does not answer.
    """
    arguments = _arguments(run)
    kafka = kafka_of(settings)
    file = run.file.expanduser().absolute()
    if not file.is_file():
        raise ClickstreamError(
            f"{file} does not exist" if not file.exists() else f"{file} is not a file",
            hint="`clickstream data generate` makes one; PRODUCER_DATA_FILE or --file names another",
        )
    create_topic(kafka)
    control = ensure(settings.home)
    if any(process.state in UNDER_WAY for process in control.snapshot().of(Role.PRODUCER)):
        raise ClickstreamError(
            "a producer is running already", hint="`clickstream producer stop` first, or wait until it is done"
        )
    start_and_wait(control, [producer_spec(settings, ["--file", str(file), *arguments])])
    worker = status(settings)
    if worker is None:
        raise ClickstreamError("the producer went away", hint="see `clickstream producer logs`")
    return worker


def stop(settings: Settings) -> Stopped:
    """Stop the producer at its next event; what Kafka acknowledged stays."""
    ran = any(process.state in UNDER_WAY for process in find(settings, Role.PRODUCER))
    if ran:
        control_of(settings).stop([PRODUCER])
    process = next(iter(find(settings, Role.PRODUCER)), None)
    report = process.report if process else None
    return Stopped(ran, report.events if report else 0, report.counters.get("total", 0) if report else 0)


def status(settings: Settings) -> Worker | None:
    """The producer as its supervisor knows it, or None where there never was one."""
    workers = local_workers(snapshot_of(settings))
    return next((worker for worker in workers if worker.role == Role.PRODUCER), None)


def under_way(settings: Settings) -> bool:
    """A producer of this home runs, or will soon again."""
    worker = status(settings)
    return worker is not None and worker.under_way


def _arguments(run: Run) -> list[str]:
    if run.rate is not None and run.realtime is not None:
        raise UsageError("--rate and --realtime exclude one another", hint="give one of them")
    arguments = ["--limit", str(run.limit)] if run.limit is not None else []
    if run.rate is not None:
        arguments += ["--rate", repr(run.rate)]
    if run.realtime is not None:
        try:
            arguments += ["--realtime", repr(parse_factor(run.realtime))]
        except ValueError as error:
            raise UsageError(str(error)) from error
    return arguments
