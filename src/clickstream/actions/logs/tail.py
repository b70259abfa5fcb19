"""The last lines of a log, then what is added, as they stand in the file: lines.py makes them fit to be shown.

A log that does not exist yet is waited for; one that is rotated is followed into its new file.
"""

from __future__ import annotations

import os
from pathlib import Path

BYTES_A_LINE = 400
"""For how far back to read: more than nearly all lines have."""

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

    def last(self, lines: int) -> Lines:
        found = self._read(back=lines * BYTES_A_LINE)
        return found[-lines:]

    def new(self) -> Lines:
        return self._read()

    def _read(self, back: int = 0) -> Lines:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._at:
                    self._inode, self._at, self._rest = status.st_ino, max(0, status.st_size - back) if back else 0, b""
                cut = back and self._at > 0
                file.seek(self._at)
                data = file.read()
                self._at = file.tell()
        except OSError:  # not there yet, or just being rotated
            return []
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [(self._name, line.decode(errors="replace")) for line in whole[1 if cut else 0 :]]
