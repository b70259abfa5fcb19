"""A worker without a supervisor, as in a container: its log on stdout, and its health file.

The health file is renewed with each report, about once a second, by the thread that does the work: while it is fresh
the worker's loop turns, and one that hangs lets it go old. A server that is away is waited for, and the file stays
fresh, for a restart cannot bring that server back and would make the whole group rebalance. What the worker does then
is the file's content. So its age is what a liveness probe wants, and its state what a readiness probe wants.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.process.loop import plain_formatter

FIGURES_EVERY: Final = 30.0
"""Seconds between two lines of figures in the log, while there is something to do."""

UNREADY: Final = frozenset({"starting", "waiting", "stopping", "done"})
"""States in which a worker does not work on messages that come now."""

_ORDINARY: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_logger = logging.getLogger("clickstream.figures")


@dataclass(frozen=True, slots=True)
class Health:
    """What a health file says."""

    state: str
    """`starting`, or as in a WorkerReport."""
    detail: str = ""


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC), level, worker, host, logger, message, and what the record carries besides."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._who = {"worker": worker, "host": socket.gethostname()}

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {"time": f"{moment}.{int(record.msecs):03d}Z", "level": record.levelname, **self._who}
        line |= {"logger": record.name, "message": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stdout(name: str, *, as_json: bool) -> None:
    """Log to stdout, one line a record, as plain text or as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(name) if as_json else plain_formatter(name))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class HealthFile:
    """The file by which a probe sees that the worker is alive; None for a path: there is none."""

    def __init__(self, path: Path | None) -> None:
        """Raises UsageError where it cannot be written."""
        self._path = path
        self._failed = False
        try:
            self._write(Health("starting"))
        except OSError as error:
            raise UsageError(f"the health file {path} cannot be written: {error.strerror}") from error

    def renew(self, health: Health) -> None:
        """Never raises: a full disk does not stop the work."""
        try:
            self._write(health)
        except OSError as error:
            if not self._failed:
                _logger.warning("the health file %s cannot be written: %s", self._path, error.strerror)
            self._failed = True
        else:
            self._failed = False

    def remove(self) -> None:
        if self._path:
            with suppress(OSError):
                self._path.unlink()

    def _write(self, health: Health) -> None:
        if self._path is None:
            return
        # Whole at any time: a probe may read it now.
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(health) + b"\n")
        finally:
            os.close(descriptor)
        part.replace(self._path)


def read_health(path: Path) -> tuple[Health, float]:
    """What the file says, and how many seconds ago it was renewed.

    Raises:
        ClickstreamError: there is no such file, or it is none.
    """
    try:
        age = max(0.0, time.time() - path.stat().st_mtime)
        return msgspec.json.decode(path.read_bytes(), type=Health), age
    except FileNotFoundError:
        raise ClickstreamError(f"there is no health file {path}: no worker writes it, or it has ended") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ClickstreamError(f"{path} cannot be read as a health file: {error}") from error


class Foreground:
    """Takes a worker's reports: renews the health file, and now and then logs the figures."""

    def __init__(self, health: HealthFile, *, figures: bool = True) -> None:
        """`figures`: log them; a producer does so itself."""
        self._health = health
        self._figures = figures
        self._logged_at = time.monotonic()
        self._logged_events = 0

    def receive(self, report: WorkerReport) -> None:
        self._health.renew(Health(report.state, report.detail))
        if not self._figures or report.events == self._logged_events:
            return
        if time.monotonic() - self._logged_at >= FIGURES_EVERY or report.state in {"stopping", "done"}:
            self._logged_at, self._logged_events = time.monotonic(), report.events
            self._log(report)

    def _log(self, report: WorkerReport) -> None:
        lag = "?" if report.lag is None else f"{report.lag:,}"
        figures = {
            "state": report.state,
            "events": report.events,
            "events_per_second": round(report.events_per_second, 1),
            "lag": report.lag,
            "partitions": list(report.partitions),
            "counters": report.counters,
        }
        words = f"{report.events:,} messages so far, {report.events_per_second:,.0f} a second, lag {lag}"
        _logger.info("%s", words, extra=figures)
