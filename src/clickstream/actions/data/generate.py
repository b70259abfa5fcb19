"""Writes a generated clickstream as a CSV file, whole or not at all. Its events: pipeline/events/generator.py."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import psutil

from clickstream.config.files import replacing
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, Interrupted, UsageError
from clickstream.domain.events import CSV_HEADER, KINDS, EventColumns
from clickstream.pipeline.events.digits import digits_of
from clickstream.pipeline.events.generator import RETAILROCKET, Shape, generate_events
from clickstream.supervision.private import make_private

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_ROWS = 1 << 16

_HEADER = f"{','.join(CSV_HEADER)}\n".encode()
_LABELS = np.array([kind.encode() for kind in KINDS]).view(np.uint8).reshape(len(KINDS), -1)
"""A kind's name in each row, zero bytes after it."""

PROGRESS_SECONDS = 0.25

Progress = Callable[[int, int], None]
"""Called with the rows written so far and the rows in all."""


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """What `generate` made."""

    path: Path
    rows: int
    size_bytes: int
    seconds: float
    seed: int
    shape: Shape

    def summary(self) -> str:
        return f"{self.path}: {self.rows:,} rows, {self.size_bytes / 1e6:,.1f} MB, in {self.seconds:.1f} s"


def generate(
    path: Path,
    *,
    seed: int = 42,
    progress: Progress | None = None,
    shape: Shape = RETAILROCKET,
    limit: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> GeneratedFile:
    """Make the file, and its folder; a file that is there is replaced at the very end.

    With `limit` it holds the first events by time only, as many, in the order that they have in the whole file: just
    those that a producer with that limit sends of the whole file.

    The same seed and shape give the same CSV on every machine. A name that ends in .gz or .zst, or in
    capitals, compresses it.
    `progress` is called at the start, at the end, and a few times a second between; `cancelled` is asked more often.

    Raises:
        UsageError: for a negative seed.
        ClickstreamError: when the file cannot be written; nothing is left of it then.
        Interrupted: `cancelled` said so; nothing is left of it then either.
    """
    if seed < 0:
        raise UsageError(f"the seed is {seed}", hint="give a whole number from 0 upwards")
    began = time.monotonic()
    go_on = _raising(cancelled)
    try:
        with _opened(path) as text:
            report = progress or _silent
            rows = shape.rows if limit is None else min(limit, shape.rows)
            report(0, rows)
            _write(_first_by_time(generate_events(shape, seed, go_on), rows), text, report, go_on)
        size = path.stat().st_size
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ClickstreamError(
            f"cannot write {path}: {reason}", hint="free some space or name another place"
        ) from error
    return GeneratedFile(path, rows, size, time.monotonic() - began, seed, shape)


def _raising(cancelled: Callable[[], bool]) -> Callable[[], None]:
    def go_on() -> None:
        if cancelled():
            raise Interrupted("generating was stopped")

    return go_on


def _silent(_written: int, _total: int) -> None:
    pass


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The new file, packed as its name says. Its folder is made, and rid of what killed runs have left there.

    Raises ClickstreamError where no file can be.
    """
    if path.exists() and not path.is_file():
        raise ClickstreamError(f"cannot write {path}: it is not a file", hint="name a file")
    if path.parent == (home := Home.from_environment()).root:
        make_private(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    with replacing(path, mode=0o666) as file, _compressing(path, file) as text:
        yield text


def _remove_leftovers(path: Path) -> None:
    """Remove what runs have left that were killed before they could clean up."""
    start, end = f".{path.name}.", ".partial"
    for other in path.parent.iterdir():
        pid = other.name.removeprefix(start).removesuffix(end)
        if other.name == f"{start}{pid}{end}" and pid.isdecimal() and not psutil.pid_exists(int(pid)):
            with suppress(FileNotFoundError):  # another run may be doing the same
                other.unlink()


@contextmanager
def _compressing(path: Path, file: IO[bytes]) -> Iterator[IO[bytes]]:
    if path.suffix.lower() == ".gz":
        # Neither name nor time in it: same data, same bytes. Level 9, the default, takes three times as long.
        with gzip.GzipFile("", "wb", compresslevel=5, fileobj=file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif path.suffix.lower() == ".zst":
        with zstd.ZstdFile(file, "wb") as packed_zst:
            yield cast("IO[bytes]", packed_zst)
    else:
        yield file


def _first_by_time(events: EventColumns, number: int) -> EventColumns:
    """Of events of one millisecond, the earlier rows, as when all rows were sorted by time and the order kept."""
    if number >= len(events):
        return events
    last = np.partition(events.time_ms, number - 1)[number - 1]
    rows = np.flatnonzero(events.time_ms <= last)
    return events.take(np.sort(rows[np.argsort(events.time_ms[rows], kind="stable")[:number]]))


def _write(events: EventColumns, text: IO[bytes], progress: Progress, go_on: Callable[[], None]) -> None:
    total = len(events)
    reported = time.monotonic()
    text.write(_HEADER)
    for start in range(0, total, BLOCK_ROWS):
        go_on()
        text.write(_lines(events.take(slice(start, start + BLOCK_ROWS))))
        if time.monotonic() - reported >= PROGRESS_SECONDS and start + BLOCK_ROWS < total:
            progress(start + BLOCK_ROWS, total)
            reported = time.monotonic()
    progress(total, total)


def _lines(events: EventColumns) -> bytes:
    """Fields of a fixed width, filled up with zero bytes, which then go."""
    comma, newline = (np.full((len(events), 1), ord(end), dtype=np.uint8) for end in ",\n")
    fields: list[npt.NDArray[np.uint8]] = [
        digits_of(events.time_ms),
        digits_of(events.visitor_id),
        _LABELS[events.kind],
        digits_of(events.item_id),
        digits_of(events.transaction_id),  # NO_TRANSACTION is negative: an empty field
    ]
    ends = (comma, comma, comma, comma, newline)
    padded = np.concatenate([part for field in zip(fields, ends, strict=True) for part in field], axis=1)
    return bytes(padded[padded != 0])
