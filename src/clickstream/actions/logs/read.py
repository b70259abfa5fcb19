"""Reading what a process of this home has logged, the older files included, and what it goes on to log."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import IO

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.harmless import harmless

POLL_SECONDS = 0.2
"""How often a followed file is looked at."""

TAB = 4
"""Columns from one tab stop to the next."""


def printable(line: str) -> str:
    """A line as it stands in a log, with tabs expanded and everything else that is no print written as an escape."""
    return harmless(line.rstrip("\r").expandtabs(TAB))


def log_file(home: Home, name: str) -> Path:
    """Raises ClickstreamError where that process has never logged."""
    path = home.logs / f"{name}.log"
    if not path.is_file():
        raise ClickstreamError(f"there is no log of {name}", hint=f"logs lie in {home.logs} once a process has run")
    return path


def known(home: Home, prefix: str) -> list[str]:
    """Names of the processes whose name begins so and that have a log."""
    return sorted(path.stem for path in home.logs.glob(f"{prefix}*.log"))


def tail(home: Home, name: str, lines: int) -> list[str]:
    """The last lines, oldest first, made harmless: what a server or a message's text put there steers no terminal."""
    path = log_file(home, name)
    last: deque[str] = deque(maxlen=lines)
    for file in (path.with_name(f"{path.name}.1"), path):
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace") as text:
                last.extend(line.rstrip("\n") for line in text)
    return [printable(line) for line in last]


def follow(home: Home, names: list[str]) -> Generator[tuple[str, str], None, None]:
    """(name, line) of every line logged from now on, for ever, made harmless; goes along when a file is rotated."""
    tails = {name: _Tail(home.logs / f"{name}.log") for name in names}
    try:
        while True:
            heard = [(name, printable(line)) for name, one in tails.items() for line in one.read()]
            yield from heard
            if not heard:
                time.sleep(POLL_SECONDS)
    finally:
        for one in tails.values():
            one.close()


class _Tail:
    """One file's new lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._rest = ""
        self._open(from_start=False)

    def read(self) -> list[str]:
        lines = self._drain()
        if self._rotated():
            self._open(from_start=True)
            lines += self._drain()
        return lines

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, *, from_start: bool) -> None:
        self.close()
        if self._path.exists():
            self._file = self._path.open(encoding="utf-8", errors="replace")
            self._file.seek(0, 0 if from_start else 2)

    def _drain(self) -> list[str]:
        if self._file is None:
            return []
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        return lines

    def _rotated(self) -> bool:
        try:
            now = self._path.stat().st_ino
        except FileNotFoundError:
            return False
        return self._file is None or now != os.fstat(self._file.fileno()).st_ino
