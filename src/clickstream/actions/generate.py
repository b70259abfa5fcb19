"""Writes a generated clickstream as a CSV file, whole or not at all. What is in it: pipeline/generator.py."""

from __future__ import annotations

import gzip
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import polars as pl
import psutil

from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.events import CSV_HEADER, KINDS, NO_TRANSACTION, EventColumns
from clickstream.pipeline.generator import RETAILROCKET, Shape, generate_events

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_ROWS = 1 << 16

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


def generate(
    path: Path, *, seed: int = 42, progress: Progress | None = None, shape: Shape = RETAILROCKET
) -> GeneratedFile:
    """Make the file, and its folder; a file that is there is replaced at the very end.

    The same seed and shape give the same CSV on every machine. A name that ends in .gz or .zst compresses it.
    `progress` is called at the start, at the end, and a few times a second between.

    Raises:
        UsageError: for a negative seed.
        ClickstreamError: when the file cannot be written; nothing is left of it then.
    """
    if seed < 0:
        raise UsageError(f"the seed is {seed}", hint="give a whole number from 0 upwards")
    began = time.monotonic()
    try:
        with _replacing(path) as file, _compressing(path, file) as text:
            report = progress or _silent
            report(0, shape.rows)
            _write(generate_events(shape, seed), text, report)
        size = path.stat().st_size
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ClickstreamError(
            f"cannot write {path}: {reason}", hint="free some space or name another place"
        ) from error
    return GeneratedFile(path, shape.rows, size, time.monotonic() - began, seed, shape)


def _silent(_written: int, _total: int) -> None:
    pass


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the same folder that takes the place of `path` at the end, or goes."""
    if path.exists() and not path.is_file():
        raise ClickstreamError(f"cannot write {path}: it is not a file", hint="name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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
    if path.suffix == ".gz":
        # Neither name nor time in it: same data, same bytes. Level 9, the default, takes three times as long.
        with gzip.GzipFile("", "wb", compresslevel=5, fileobj=file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif path.suffix == ".zst":
        with zstd.ZstdFile(file, "wb") as packed_zst:
            yield cast("IO[bytes]", packed_zst)
    else:
        yield file


def _write(events: EventColumns, text: IO[bytes], progress: Progress) -> None:
    total = len(events)
    frame = _as_frame(events)
    reported = time.monotonic()
    for start in range(0, total, BLOCK_ROWS):
        block = io.BytesIO()
        frame.slice(start, BLOCK_ROWS).write_csv(block, include_header=start == 0)
        text.write(block.getbuffer())
        if time.monotonic() - reported >= PROGRESS_SECONDS and start + BLOCK_ROWS < total:
            progress(start + BLOCK_ROWS, total)
            reported = time.monotonic()
    progress(total, total)


def _as_frame(events: EventColumns) -> pl.DataFrame:
    columns = (
        pl.Series(events.time_ms),
        pl.Series(events.visitor_id),
        pl.Series(KINDS).gather(pl.Series(events.kind)),
        pl.Series(events.item_id),
        pl.Series(events.transaction_id).replace(NO_TRANSACTION, None),
    )
    return pl.DataFrame(dict(zip(CSV_HEADER, columns, strict=True)))
