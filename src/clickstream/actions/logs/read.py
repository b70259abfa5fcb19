"""Reads the logs of this home's processes, older files included, and follows them.

A log that does not exist yet is waited for; one that is rotated is followed into its new file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.escapes import escape_controls

POLL_SECONDS = 0.2
"""How often a followed file is looked at."""

BYTES_A_LINE = 400
"""For how far back to read: more than nearly all lines have."""

WHOLE = 1 << 40
"""So many lines no log has: it is read whole."""

ROTATED = 2
"""Older files that are kept of a log: NAME.log.1, NAME.log.2."""

TAB = 4
"""Columns from one tab stop to the next."""


def escape_line(line: str) -> str:
    """A line of a log, with tabs expanded and all other unprintable characters escaped."""
    return escape_controls(line.rstrip("\r").expandtabs(TAB))


def known(home: Home, prefix: str) -> list[str]:
    """Names of the processes whose name begins so and that have a log."""
    return sorted(path.stem for path in home.logs.glob(f"{prefix}*.log"))


def tail(home: Home, names: Sequence[str], lines: int) -> list[tuple[str, str]]:
    """(name, line) of the last lines of each, oldest first. Controls are escaped: what a server or a message's text put
    there steers no terminal.

    Raises ClickstreamError where one of them has never logged.
    """
    return _last(_tails(home, names), lines)


def follow(home: Home, names: Sequence[str], lines: int) -> Generator[tuple[str, str]]:
    """What `tail` gives, then without end every line that they log from then on. Raises as `tail` does."""
    tails = _tails(home, names)
    yield from _last(tails, lines)
    while True:
        time.sleep(POLL_SECONDS)
        for name, one in tails.items():
            yield from ((name, escape_line(line)) for line in one.new())


def _tails(home: Home, names: Sequence[str]) -> dict[str, Tail]:
    for name in names:
        if not (home.logs / f"{name}.log").is_file():
            raise ClickstreamError(f"{name} has no log yet", hint=f"logs lie in {home.logs} once a process has run")
    return {name: Tail(home.logs / f"{name}.log") for name in names}


def _last(tails: dict[str, Tail], lines: int) -> list[tuple[str, str]]:
    return [(name, escape_line(line)) for name, one in tails.items() for line in one.last(WHOLE)[-lines:]]


class Tail:
    """One log, by the place up to which it was read. Holds no file open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._at = 0
        self._rest = b""
        self._cut = False
        """What was read last did not begin with the file's first line."""

    def last(self, lines: int) -> list[str]:
        """So many, from the older files too where the log was rotated lately."""
        found = self._read(back=lines * BYTES_A_LINE)
        for number in range(1, ROTATED + 1):
            if len(found) < lines and not self._cut:
                found = self._older(number, lines) + found
        return found[-lines:]

    def new(self) -> list[str]:
        return self._read()

    def _older(self, number: int, lines: int) -> list[str]:
        try:
            with self._path.with_name(f"{self._path.name}.{number}").open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino == self._inode:  # rotated since it was read
                    return []
                at = max(0, status.st_size - lines * BYTES_A_LINE)
                file.seek(at)
                data = file.read()
        except OSError:
            return []
        self._cut = at > 0
        return _decoded(data.split(b"\n")[1 if at else 0 : -1])

    def _read(self, back: int = 0) -> list[str]:
        missed: list[bytes] = []
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._at:
                    missed = self._missed()
                    self._inode, self._at, self._rest = status.st_ino, max(0, status.st_size - back) if back else 0, b""
                self._cut = back > 0 and self._at > 0
                file.seek(self._at)
                data = file.read()
                self._at = file.tell()
        except OSError:  # not there yet, or just being rotated
            return []
        *whole, self._rest = (self._rest + data).split(b"\n")
        return _decoded([*missed, *whole[1 if self._cut else 0 :]])

    def _missed(self) -> list[bytes]:
        """What was added to the file that was read until now, before it was rotated away."""
        with suppress(OSError), self._path.with_name(f"{self._path.name}.1").open("rb") as file:
            if self._inode and os.fstat(file.fileno()).st_ino == self._inode:
                file.seek(self._at)
                return (self._rest + file.read()).split(b"\n")[:-1]
        return []


def _decoded(lines: list[bytes]) -> list[str]:
    return [line.decode(errors="replace") for line in lines]
