"""Log files that rotate by size and remember their last lines, and the splitting of a byte stream into lines.

A full disk loses log lines and nothing else. Knows nothing of processes.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

MAX_LINE = 16 * 1024
"""Bytes of one line that are kept; far more than a report of a worker with a thousand partitions needs."""

CUT = b" ... [cut]"

RING_LINES = 20

_FRAME = re.compile(rb"\s+(at [\w.$/@<>-]+\(|\.\.\. \d+ )")

_CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
"""Bytes that steer a terminal, on which somebody may look at the file as it is; tabs do no harm."""


class LineSplitter:
    """Turns chunks into whole lines; holds at most one unfinished line, and of that at most `limit` bytes."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without line ends; a longer one than `limit` is cut and marked so."""
        *ended, rest = chunk.split(b"\n")
        lines: list[bytes] = []
        for part in ended:
            self._extend(part, lines)
            if not self._skipping:
                lines.append(self._rest.removesuffix(b"\r"))
            self._rest, self._skipping = b"", False
        self._extend(rest, lines)
        return lines

    def flush(self) -> list[bytes]:
        """The unfinished line, if there is one: the stream has ended."""
        lines = [self._rest] if self._rest else []
        self._rest, self._skipping = b"", False
        return lines

    def _extend(self, part: bytes, lines: list[bytes]) -> None:
        if self._skipping:
            return
        self._rest += part
        if len(self._rest) > self._limit:
            lines.append(self._rest[: self._limit] + CUT)
            self._rest, self._skipping = b"", True


class LogFile:
    """Appends lines to a file (0600) and keeps `keep` files of about `max_bytes`: NAME, NAME.1, NAME.2."""

    def __init__(self, path: Path, *, max_bytes: int = 5_000_000, keep: int = 3) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._fd: int | None = None
        self._size = 0
        self._ring: deque[bytes] = deque(maxlen=RING_LINES)

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that were written since `clear_tail`, without notes, and without the calls of Java's stack
        traces: there may be a hundred of them after the line that says what went wrong."""
        return tuple(line.decode(errors="replace") for line in self._ring)

    def clear_tail(self) -> None:
        self._ring.clear()

    def write(self, lines: list[bytes]) -> None:
        """Append `lines`, what would steer a terminal as an escape. Never raises for the disk's sake: what cannot be
        written is lost."""
        if lines:
            lines = [_escape_controls(line) for line in lines]
            self._ring.extend(line for line in lines if not is_frame(line))
            self._append(lines)

    def note(self, message: str) -> None:
        """A line of the supervisor's own, marked so that it is not taken for the process's."""
        self._append([_escape_controls(f"--- {timestamp()} supervisor: {message}".encode(errors="replace"))])

    def close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _append(self, lines: list[bytes]) -> None:
        data = b"\n".join(lines) + b"\n"
        with suppress(OSError):
            fd = self._open() if self._fd is None else self._fd
            if self._size and self._size + len(data) > self._max_bytes:
                self._rotate()
                fd = self._open()
            self._size += os.write(fd, data)

    def _open(self) -> int:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._fd).st_size
        return self._fd

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep - 1, 0, -1):
            older = self._path if number == 1 else self._numbered(number - 1)
            with suppress(FileNotFoundError):
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def is_frame(line: bytes) -> bool:
    """Whether it is one call of a stack trace of Java's."""
    return _FRAME.match(line) is not None


def _escape_controls(line: bytes) -> bytes:
    return _CONTROLS.sub(lambda found: b"\\x%02x" % found[0][-1], line)


class FileHandler(logging.Handler):
    """Sends the supervisor's own log records, asyncio's included, to a LogFile."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write([f"{timestamp()} {self.format(record)}".encode(errors="replace")])


def timestamp() -> str:
    """Now, UTC, to the millisecond."""
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
