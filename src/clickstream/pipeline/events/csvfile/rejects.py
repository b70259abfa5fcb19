"""The rejects file: bad CSV lines of one producer run, with number and reason, to be corrected and replayed."""

from __future__ import annotations

import csv
import fcntl
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from clickstream.domain.events import BadLine

COLUMNS: Final = ("line", "reason", "text")
SUFFIX: Final = ".rejects.csv"

_PARTIAL: Final = ".part"


def write_rejects(folder: Path, bad: Iterable[BadLine]) -> Path:
    """Write the lines to a new file in `folder`, readable by its owner only; the file appears when it is whole.

    A line's bytes survive as they are: bytes that are not UTF-8 become surrogates (`surrogateescape`).
    """
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}{SUFFIX}"
    return _write(path, bad)


def remove_lines(path: Path, lines: Collection[int]) -> int:
    """Take these lines out of the file, all or none; how many were in it. A file without lines goes.

    Several processes may do so at once: they wait for one another.
    """
    with _locked(path.parent):
        bad = read_rejects(path) if path.exists() else []
        kept = [line for line in bad if line.line not in lines]
        if bad and not kept:
            path.unlink()
        elif len(kept) < len(bad):
            _write(path, kept)
    return len(bad) - len(kept)


def remove_files(folder: Path) -> int:
    """Remove all rejects files, damaged ones too; how many lines were in those that can be read.

    Raises OSError where one cannot be removed.
    """
    removed = 0
    with _locked(folder):
        for path in folder.glob(f"*{SUFFIX}"):
            with suppress(csv.Error, StopIteration, ValueError):
                removed += len(read_rejects(path))
            path.unlink()
        for partial in folder.glob(f"*{SUFFIX}{_PARTIAL}"):  # of a process that was killed while it wrote
            partial.unlink()
    return removed


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_rejects(path: Path) -> list[BadLine]:
    """What `write_rejects` wrote."""
    longest = csv.field_size_limit((1 << 31) - 1)
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            return [BadLine(int(line), reason, text.encode("utf-8", "surrogateescape")) for line, reason, text in rows]
    finally:
        csv.field_size_limit(longest)


def _write(path: Path, bad: Iterable[BadLine]) -> Path:
    partial = path.with_name(path.name + _PARTIAL)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((line.line, line.reason, _text(line.text)) for line in bad)
    return partial.rename(path)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
