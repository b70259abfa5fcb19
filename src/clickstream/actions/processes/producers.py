"""Starting, steering and stopping this home's producer, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clickstream.actions.control import Control, ensure, running
from clickstream.actions.observe.model import ProcessRow
from clickstream.actions.prepare import prepare_topic
from clickstream.actions.processes.workers import (
    PRODUCER,
    UNDER_WAY,
    control_of,
    find,
    local_workers,
    producer_spec,
    start_and_wait,
)
from clickstream.actions.servers import kafka_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, FileFault
from clickstream.domain.pace import FULL_SPEED, Pace
from clickstream.domain.processes import ALIVE, FINAL_STATES, ProcessState, Role
from clickstream.domain.reports import WorkerReport, WorkerState
from clickstream.pipeline.producer.steering import Order, Pause, Resume, order_line

OBEYED_WITHIN = 10.0
"""Seconds until a running producer says that it does as it was told: it may be reading its file."""

READ_WITHIN = 60.0
"""Seconds that a start waits for the file to be read: a fault at the end of a large one is said by the command yet."""

LOOK_EVERY = 0.05
"""Seconds between two looks at a producer that reads."""


@dataclass(frozen=True, slots=True)
class SendingRun:
    """What a producer is asked to do."""

    file: Path
    limit: int | None = None
    pace: Pace = FULL_SPEED


@dataclass(frozen=True, slots=True)
class StoppedProducer:
    """What a stop found."""

    running: bool
    """It ran until now."""
    acknowledged: int
    """Events that Kafka has acknowledged in this run."""
    total: int
    """Events that the run was to send."""

    def summary(self) -> str:
        if not self.running:
            return "no producer was running"
        return f"stopped; Kafka has acknowledged {self.acknowledged:,} of {self.total:,} events"


def start(settings: Settings, run: SendingRun) -> ProcessRow:
    """Have the producer send the file; returns once it has read it. The topic is made where it is missing.

    Raises:
        FileFault: the file cannot be read; nothing was started, unless only its end showed that.
        ClickstreamError: a producer is running already, Kafka does not answer.
    """
    from clickstream.pipeline.events.csvfile.reader import refuse_unreadable  # noqa: PLC0415 (it loads decompressors)

    arguments = [*([] if run.limit is None else ["--limit", str(run.limit)]), *run.pace.arguments()]
    kafka_of(settings)  # where nothing is configured, a missing file is not what is wrong
    file = run.file.expanduser().absolute()
    refuse_unreadable(file)
    prepare_topic(settings)
    control = ensure(settings.home)
    if any(process.state in UNDER_WAY for process in control.snapshot().of(Role.PRODUCER)):
        raise ClickstreamError(
            "a producer is running already", hint="`clickstream producer stop` first, or wait until it is done"
        )
    try:
        start_and_wait(control, [producer_spec(settings, ["--file", str(file), *arguments])])
        _await_reading(control)
    finally:
        _refuse_unreadable(control)
    worker = status(settings)
    if worker is None:
        raise ClickstreamError("the producer went away", hint="see `clickstream producer logs`")
    return worker


def stop(settings: Settings) -> StoppedProducer:
    """Stop the producer at its next event; what Kafka acknowledged stays."""
    ran = any(process.state in UNDER_WAY for process in find(settings, Role.PRODUCER))
    if ran:
        control_of(settings).stop([PRODUCER])
    process = next(iter(find(settings, Role.PRODUCER)), None)
    report = process.report if process else None
    return StoppedProducer(ran, report.events if report else 0, report.counters.get("total", 0) if report else 0)


def pause(settings: Settings) -> ProcessRow:
    """Have the running producer send nothing more until `resume`; how far it is then. What was handed over arrives.

    A producer that dies meanwhile is started again as it was first started, at work.

    Raises:
        ClickstreamError: no producer is running, or it does not listen.
    """
    return _steer(settings, Pause(), lambda report: report.state == WorkerState.PAUSED)


def resume(settings: Settings) -> ProcessRow:
    """Have a paused producer go on; see `pause`."""
    return _steer(settings, Resume(), lambda report: report.state != WorkerState.PAUSED)


def set_pace(settings: Settings, pace: Pace) -> ProcessRow:
    """Have the running producer send at another pace from where it is; a paused one stays paused.

    See `pause` for errors and for what a death undoes.
    """
    return _steer(settings, pace, lambda report: report.pace == str(pace))


def status(settings: Settings) -> ProcessRow | None:
    """The producer as its supervisor knows it, or None where there never was one."""
    workers = local_workers(settings)
    return next((worker for worker in workers if worker.role == Role.PRODUCER), None)


def summary(producer: ProcessRow) -> str:
    """What a producer does and how far it is, in a sentence."""
    if not producer.under_way:
        return f"the producer is {producer.state}"
    how = "is paused" if producer.activity == WorkerState.PAUSED else f"sends at {producer.pace}"
    total = producer.counters.get("total", 0)
    return f"the producer {how}; Kafka has acknowledged {producer.events:,} of {total:,} events"


def under_way(settings: Settings) -> bool:
    """A producer of this home runs, or will soon again."""
    worker = status(settings)
    return worker is not None and worker.under_way


def _await_reading(control: Control) -> None:
    """Return once the producer has read its file, or no longer runs, or has read for READ_WITHIN seconds."""
    deadline = time.monotonic() + READ_WITHIN
    while time.monotonic() < deadline:
        process = control.snapshot().get(PRODUCER)
        if process is None or process.state not in ALIVE or (process.report and "total" in process.report.counters):
            return
        time.sleep(LOOK_EVERY)


def _refuse_unreadable(control: Control) -> None:
    """Raise what the producer said of its file before it ended."""
    process = control.snapshot().get(PRODUCER)
    report = process.report if process and process.state is ProcessState.FAILED else None
    if report and report.state == WorkerState.UNREADABLE:
        raise FileFault(report.detail)


def _steer(settings: Settings, order: Order, obeyed: Callable[[WorkerReport], bool]) -> ProcessRow:
    """Give the order and wait for the report that shows it, or for the producer's end."""
    control = running(settings.home)
    process = control.snapshot().get(PRODUCER) if control else None
    if control is None or process is None or process.state in FINAL_STATES:
        raise ClickstreamError("no producer is running", hint="`clickstream producer start` starts it")
    control.tell(PRODUCER, order_line(order))
    deadline = time.monotonic() + OBEYED_WITHIN
    for snapshot in control.watch():
        process = snapshot.get(PRODUCER)
        if process is None or process.state in FINAL_STATES or (process.report and obeyed(process.report)):
            break
        if time.monotonic() > deadline:
            raise ClickstreamError(
                f"the producer was told, and has not said within {OBEYED_WITHIN:g} s that it obeys",
                hint="see `clickstream producer logs`",
            )
    worker = status(settings)
    if worker is None:
        raise ClickstreamError("the producer went away", hint="see `clickstream producer logs`")
    return worker
