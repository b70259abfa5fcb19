"""The producer worker: reads a CSV file, sends its events to Kafka in order of time, reports its progress."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickstream.config.settings import Settings
from clickstream.domain.errors import FileFault, Interrupted, ServiceUnavailable, UsageError
from clickstream.domain.events import EventColumns
from clickstream.domain.pace import FULL_SPEED, Pace
from clickstream.domain.reports import WorkerReport, WorkerState
from clickstream.pipeline.events.csvfile.reader import CsvEvents, read_events
from clickstream.pipeline.events.csvfile.rejects import write_rejects
from clickstream.pipeline.events.encode import encode_keys, encode_values
from clickstream.pipeline.process.loop import OnReport, Rate, Reporter, install_stop, read_lines
from clickstream.pipeline.producer.pacing import Pacer, plan
from clickstream.pipeline.producer.steering import Orders
from clickstream.services.kafka.producer import EventProducer

CHUNK: Final = 10_000
"""Events that are encoded and handed over at once."""

FLUSH_SECONDS: Final = 10.0
"""How long a stop waits for what was handed over to be acknowledged."""

LOG_SECONDS: Final = 10.0
"""Between two lines of progress in the log."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProducerOptions:
    """What one run is asked to do."""

    file: Path | None = None
    """None: the settings' PRODUCER_DATA_FILE."""
    limit: int | None = None
    """Send only the first events by time."""
    pace: Pace = FULL_SPEED
    report: bool = False
    """Write WorkerReports to stdout."""
    on_report: OnReport | None = None
    """Told each report too, in this process."""


class _Progress:
    """Turns the producer's figures into reports and log lines."""

    def __init__(self, producer: EventProducer, reporter: Reporter, steering: Orders) -> None:
        self.total: int | None = None
        """Events to send; None until the file is read."""
        self.bad_lines = 0
        self._producer = producer
        self._reporter = reporter
        self._steering = steering
        self._rate = Rate()
        self._logged_at = time.monotonic()
        self._trouble = ""

    def tick(self, detail: str = "", *, trouble: str = "", news: bool = False) -> None:
        """Report when a report is due, or there is news."""
        if not news and not self._reporter.due():
            return
        trouble = trouble or self._producer.trouble
        if trouble and not self._trouble:
            _logger.warning("Waiting: %s", trouble)
        elif self._trouble and not trouble:
            _logger.info("Kafka is back")
        self._trouble = trouble
        state = "paused" if self._steering.paused else "waiting" if trouble else "running"
        self.report(state, trouble or detail or self.position())
        if time.monotonic() - self._logged_at >= LOG_SECONDS and self.total:
            self._logged_at = time.monotonic()
            _logger.info("%s events acknowledged", self.position())

    def finish(self, fault: str) -> None:
        """The last word: a log line and the final report. `fault`: what keeps the file from being read, if anything."""
        if fault:
            self.report(WorkerState.UNREADABLE, fault, final=True)
            return
        outstanding = self._producer.outstanding
        _logger.info("%s events acknowledged, %d failed", self.position(), self._producer.failed)
        if outstanding:
            _logger.warning("%d events were handed over and are not acknowledged; Kafka may hold them", outstanding)
        done = self._producer.acknowledged + self._producer.failed == self.total
        self.report("done" if done else "stopping", self.position(), final=True)

    def report(self, state: str, detail: str, *, final: bool = False) -> None:
        acknowledged = self._producer.acknowledged
        counters = {"failed": self._producer.failed, "bad_lines": self.bad_lines}
        if self.total is not None:
            counters["total"] = self.total
        speed = self._rate.read(acknowledged)
        pace = str(self._steering.pace)
        report = WorkerReport(time.time(), state, detail, (), acknowledged, speed, counters=counters, pace=pace)
        self._reporter.send(report, final=final)

    def position(self) -> str:
        return f"{self._producer.acknowledged:,} of {self.total or 0:,}"


def run(
    settings: Settings, options: ProducerOptions, *, stop: threading.Event | None = None, orders: int | None = None
) -> int:
    """Send the file. Ends early, and well, when `stop` is set (None: by SIGTERM, SIGINT, or a reader that is gone).

    `orders`: the descriptor on which orders come (see steering.py); None: none do.

    Returns:
        0 when all events were acknowledged or it was stopped, 1 when Kafka refused messages.

    Raises:
        UsageError: no Kafka is configured.
        FileFault: the file cannot be read.
        ClickstreamError: the topic is missing, Kafka refuses us.
    """
    if settings.kafka is None:
        raise UsageError("no Kafka is configured and the embedded stack was never started", hint="clickstream stack up")
    steering = Orders(options.pace)
    stop = stop or install_stop()
    if orders is not None:
        read_lines(orders, steering.receive)
    producer = EventProducer(settings.kafka)
    progress = _Progress(producer, Reporter(options.report, stop, on_report=options.on_report), steering)
    fault = ""
    try:
        csv = _read(settings, options, stop, progress)
        _await_topic(producer, stop, progress)
        _send(csv.columns, steering, producer, stop, progress)
        _flush(producer, stop, progress)
    except Interrupted:
        pass
    except FileFault as error:
        fault = str(error)
        raise
    finally:
        progress.finish(fault)
        producer.close()
    return 1 if producer.failed else 0


def _read(settings: Settings, options: ProducerOptions, stop: threading.Event, progress: _Progress) -> CsvEvents:
    path = options.file or settings.pipeline.data_file
    progress.tick(f"reading {path}")
    csv = read_events(path, limit=options.limit, cancelled=stop.is_set)
    progress.total, progress.bad_lines = len(csv.columns), len(csv.bad)
    progress.tick(news=True)
    _logger.info("%s: %d lines, %d events to send", path, csv.rows, len(csv.columns))
    if csv.bad:
        settings.home.make()
        rejects = write_rejects(settings.home.rejects, csv.bad)
        _logger.warning("%d bad lines, the first at line %d: %s", len(csv.bad), csv.bad[0].line, csv.bad[0].reason)
        _logger.warning("Bad lines are kept in %s", rejects)
    return csv


def _await_topic(producer: EventProducer, stop: threading.Event, progress: _Progress) -> None:
    while not stop.is_set():
        try:
            producer.check_topic(timeout=1.0)
        except ServiceUnavailable as error:
            progress.tick(trouble=str(error))
            stop.wait(0.2)
        else:
            return


def _send(
    events: EventColumns, steering: Orders, producer: EventProducer, stop: threading.Event, progress: _Progress
) -> None:
    sent = 0
    pacer = Pacer(plan(steering.pace, events.time_ms), len(events), time.monotonic)
    while sent < len(events) and not stop.is_set():
        news = steering.apply(pacer, events.time_ms, sent)
        allowed, delay = pacer.allow(sent)
        count = min(allowed, CHUNK)
        if count == 0:
            producer.poll(0)
            stop.wait(min(delay, 0.5))
        elif producer.room < count:
            producer.poll(0.02)
        else:
            chunk = events.take(slice(sent, sent + count))
            sent += producer.send(encode_keys(chunk), encode_values(chunk))
            producer.poll(0)
        progress.tick(news=news)


def _flush(producer: EventProducer, stop: threading.Event, progress: _Progress) -> None:
    """Wait until nothing is outstanding: for as long as it takes, after a stop for FLUSH_SECONDS."""
    deadline: float | None = None
    while producer.flush(0.1):
        if stop.is_set():
            deadline = deadline or time.monotonic() + FLUSH_SECONDS
            if time.monotonic() > deadline:
                return
        progress.tick()
