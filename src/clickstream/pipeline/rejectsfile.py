"""The rejects file: bad CSV lines of one producer run, with number and reason, to look at, mend and replay."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from clickstream.domain.events import BadLine

COLUMNS: Final = ("line", "reason", "text")
SUFFIX: Final = ".rejects.csv"


def write_rejects(folder: Path, bad: Iterable[BadLine]) -> Path:
    """Write the lines to a new file in `folder`, readable by its owner only; the file appears when it is whole.

    A line's bytes survive as they are: those that are no UTF-8 travel as surrogates (`surrogateescape`).
    """
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}{SUFFIX}"
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((line.line, line.reason, _text(line.text)) for line in bad)
    return partial.rename(path)


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


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
