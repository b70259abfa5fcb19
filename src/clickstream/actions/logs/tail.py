"""The last lines of a log, then what is added, as they stand in the file: lines.py makes them fit to be shown.

A log that does not exist yet is waited for; one that is rotated is followed into its new file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BYTES_A_LINE = 400
"""For how far back to read: more than nearly all lines have."""

ROTATED = 2
"""Older files that are kept of a log: NAME.log.1, NAME.log.2."""

Lines = list[tuple[str, str]]
"""(process, line)."""


class Tail:
    """One log, by the place up to which it was read. Holds no file open."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._inode = 0
        self._at = 0
        self._rest = b""
        self._cut = False
        """What was read last did not begin with the file's first line."""

    def last(self, lines: int) -> Lines:
        """So many, from the older files too where the log was rotated lately."""
        found = self._read(back=lines * BYTES_A_LINE)
        for number in range(1, ROTATED + 1):
            if len(found) < lines and not self._cut:
                found = self._older(number, lines) + found
        return found[-lines:]

    def new(self) -> Lines:
        return self._read()

    def _older(self, number: int, lines: int) -> Lines:
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
        return self._decoded(data.split(b"\n")[1 if at else 0 : -1])

    def _decoded(self, lines: list[bytes]) -> Lines:
        return [(self._name, line.decode(errors="replace")) for line in lines]

    def _read(self, back: int = 0) -> Lines:
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
        return self._decoded([*missed, *whole[1 if self._cut else 0 :]])

    def _missed(self) -> list[bytes]:
        """What was added to the file that was read until now, before it was rotated away."""
        with suppress(OSError), self._path.with_name(f"{self._path.name}.1").open("rb") as file:
            if self._inode and os.fstat(file.fileno()).st_ino == self._inode:
                file.seek(self._at)
                return (self._rest + file.read()).split(b"\n")[:-1]
        return []
