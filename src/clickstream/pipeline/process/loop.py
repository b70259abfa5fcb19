"""What every worker's main loop shares: the stop event, the report line on stdout, the log on stderr, pauses
after a failure, side work on a thread of its own.

Knows no queue, no server and no supervisor: a worker's parent is the process that reads its stdout.
"""

from __future__ import annotations

import _thread
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Final

import msgspec
from msgspec.structs import replace

from clickstream.domain.escapes import escape_controls
from clickstream.domain.pauses import Pauses
from clickstream.domain.reports import LONGEST_DETAIL, WorkerReport

REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0

OnReport = Callable[[WorkerReport], None]
"""Takes a report on the worker's main thread: must be quick, and must not raise."""


class Stop(threading.Event):
    """Set by whatever asks a process to end."""

    interrupted = False
    """It was Ctrl+C."""

    def raise_if_interrupted(self) -> None:
        """At the end: a command that was ended by Ctrl+C says so, as every other does."""
        if self.interrupted:
            raise KeyboardInterrupt


def install_stop() -> Stop:
    """An event that the first SIGTERM or SIGINT sets; a second one has its usual effect (end, KeyboardInterrupt)."""
    stop = Stop()

    def request_stop(number: int, _frame: FrameType | None) -> None:
        stop.interrupted = number == signal.SIGINT
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not set() here: this may interrupt the main thread inside stop.wait(), which holds the event's lock.
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    return stop


class _EscapingFormatter(logging.Formatter):
    """Drivers repeat what servers say, and the terminal may be the user's."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(super().format(record), lines=True)


def plain_formatter(name: str) -> logging.Formatter:
    """One line a record: UTC time, level, the worker's name, the message."""
    formatter = _EscapingFormatter(
        f"%(asctime)s.%(msecs)03dZ %(levelname)s {name.replace('%', '%%')}: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    return formatter


def configure_logging(name: str) -> None:
    """Log to stderr; see plain_formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(plain_formatter(name))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def read_lines(fd: int, on_line: Callable[[bytes], None]) -> None:
    """Call `on_line` with each line that a descriptor gives, in a thread of its own, until the other end closes."""

    def read() -> None:
        rest = b""
        # Not through sys.stdin: a thread that waits inside its buffer's lock makes the interpreter crash at its end.
        with suppress(OSError):  # the writer is gone
            while chunk := os.read(fd, 65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    on_line(line)

    threading.Thread(target=read, name="read-lines", daemon=True).start()


class Rate:
    """How fast a total grows, from one reading to the next."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._total = 0

    def read(self, total: int) -> float:
        """Growth per second since the reading before (or since the start)."""
        now = self._clock()
        elapsed, grown = now - self._at, total - self._total
        self._at, self._total = now, total
        return grown / elapsed if elapsed > 0 else 0.0


class Reporter:
    """Writes WorkerReports to stdout, one JSON line each, for the process that reads there.

    A reader that is gone sets `stop`, so that nothing runs unowned; a slow one misses a report, and the worker goes on.
    """

    def __init__(
        self,
        enabled: bool,
        stop: threading.Event,
        *,
        fd: int = 1,
        interval: float = REPORT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        on_report: OnReport | None = None,
    ) -> None:
        self._on_report = on_report
        self._enabled = enabled
        self._stop = stop
        self._fd = fd
        self._interval = interval
        self._clock = clock
        self._last = float("-inf")
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def due(self) -> bool:
        """True when the last report is a whole interval old."""
        return self._clock() - self._last >= self._interval

    def send(self, report: WorkerReport, *, final: bool = False) -> None:
        """Write the report. Never raises, and waits for room in the pipe only when `final` (two seconds at most)."""
        self._last = self._clock()
        if self._on_report:
            self._on_report(report)
        if not self._enabled:
            return
        report = replace(report, detail=report.detail[:LONGEST_DETAIL])
        try:
            if self._poll.poll(2000 if final else 0):
                os.write(self._fd, msgspec.json.encode(report) + b"\n")
        except OSError:
            self._stop.set()


class Background:
    """Runs one thing at a time; while it hangs, what comes next is skipped. Jobs must not raise."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._last: Future[None] | None = None

    def offer(self, job: Callable[[], None]) -> None:
        """Run the job, unless an earlier one is still at work."""
        if self._last is None or self._last.done():
            self._last = self._thread.submit(job)

    def finish(self, job: Callable[[], None] | None = None) -> None:
        """Run a last job after what is at work, and end the thread."""
        if job is not None:
            self._thread.submit(job)
        self._thread.shutdown()


class Backoff:
    """When a worker that failed may try again: after pauses of 0.1 s, 0.2 s ... 5 s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
        self._until = float("-inf")

    @property
    def due(self) -> bool:
        return self._clock() >= self._until

    def failed(self) -> None:
        self._until = self._clock() + self._pauses.next()

    def succeeded(self) -> None:
        self._pauses.reset()
        self._until = float("-inf")
