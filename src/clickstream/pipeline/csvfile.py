"""Reads a CSV file of events (plain, .gz or .zst) into columns; every other line is kept, with the reason.

Two readers of one grammar: `_read_block` takes the well-formed lines of a block at once, in numpy; whatever it does not
take goes line by line through `parse_line`, which decides. So the fast one may be strict, and never wrong.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.domain.events import (
    CSV_HEADER,
    KINDS,
    MAX_ID,
    MAX_TIMESTAMP_MS,
    NO_TRANSACTION,
    TRANSACTION,
    BadLine,
    EventColumns,
)
from clickstream.pipeline.digits import PADDING, numbers_before, words_at

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_BYTES: Final = 4 << 20
"""Small enough that a block's columns stay in the processor's cache."""

_HEADER: Final = ",".join(CSV_HEADER).encode()
_BOM: Final = b"\xef\xbb\xbf"
_LABELS: Final = {kind.encode(): code for code, kind in enumerate(KINDS)}
_NEWLINE, _RETURN, _COMMA = b"\n\r,"


@dataclass(frozen=True, slots=True)
class CsvEvents:
    """What a file holds."""

    columns: EventColumns
    """In order of time; events of one millisecond in the file's order."""
    bad: list[BadLine]
    """In the file's order, all of them, whatever the limit."""
    rows: int
    """Lines that are neither the header nor blank: good ones (before the limit) and bad ones."""
    in_order: bool
    """True when the file was sorted by time already."""


def read_events(
    path: Path, *, limit: int | None = None, cancelled: Callable[[], bool] = lambda: False, block: int = BLOCK_BYTES
) -> CsvEvents:
    """Read a whole file.

    Args:
        path: plain CSV, or compressed as its name says (.gz, .zst).
        limit: keep only that many events, the first by time.
        cancelled: asked now and then; True ends the reading.
        block: bytes worked on at a time.

    Raises:
        ClickstreamError: the file cannot be read, or does not begin with the header.
        Interrupted: `cancelled` said so.
    """
    parts: list[EventColumns] = []
    bad: list[BadLine] = []
    line = 2
    for data in _blocks(path, block):
        if cancelled():
            raise Interrupted("reading was stopped")
        columns, lines = _read_block(data, line, bad)
        parts.append(columns)
        line += lines
    columns = _concatenate(parts)
    rows = len(columns) + len(bad)
    in_order = bool(np.all(columns.time_ms[1:] >= columns.time_ms[:-1]))
    if not in_order:
        columns = columns.take(np.argsort(columns.time_ms, kind="stable"))
    return CsvEvents(columns.take(slice(limit)), bad, rows, in_order)


def parse_line(line: bytes) -> tuple[int, int, int, int, int]:
    """One line without its line end, as (time_ms, visitor_id, kind, item_id, transaction_id).

    Raises:
        ValueError: the line is not an event; the text says why.
    """
    if b'"' in line:
        raise ValueError("quoted fields are not supported")
    fields = line.split(b",")
    if len(fields) != len(CSV_HEADER):
        raise ValueError(f"{len(CSV_HEADER)} fields expected, found {len(fields)}")
    time_ms = _number("timestamp", fields[0], MAX_TIMESTAMP_MS)
    visitor_id = _number("visitorid", fields[1], MAX_ID)
    kind = _LABELS.get(fields[2])
    if kind is None:
        raise ValueError(f"event must be view, addtocart or transaction, not {_show(fields[2])}")
    item_id = _number("itemid", fields[3], MAX_ID)
    if not fields[4]:
        return time_ms, visitor_id, kind, item_id, NO_TRANSACTION
    if kind != TRANSACTION:
        raise ValueError(f"transactionid {_show(fields[4])} given, although event is {KINDS[kind]}")
    return time_ms, visitor_id, kind, item_id, _number("transactionid", fields[4], MAX_ID)


def _number(name: str, field: bytes, largest: int) -> int:
    if not field:
        raise ValueError(f"{name} is empty")
    if not field.removeprefix(b"-").isdigit():
        raise ValueError(f"{name} is not a whole number: {_show(field)}")
    if field.startswith(b"-"):
        raise ValueError(f"{name} is negative: {_show(field)}")
    digits = field.lstrip(b"0") or b"0"
    if len(digits) > 19 or int(digits) > largest:  # int() of a very long text is slow, or refused
        raise ValueError(f"{name} is larger than {largest}: {_show(field)}")
    return int(digits)


def _show(field: bytes) -> str:
    text = field[:40].decode("utf-8", "replace")
    return repr(text) + ("..." if len(field) > 40 else "")


def _read_block(data: bytes, first_line: int, bad: list[BadLine]) -> tuple[EventColumns, int]:
    """The events of whole lines (each closed by a newline) and the number of lines; bad ones are added to `bad`."""
    padded = b"".join((bytes(PADDING), data, bytes(PADDING)))
    text = np.frombuffer(padded, dtype=np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    starts = np.concatenate((np.array([PADDING]), newlines[:-1] + 1))
    ends = newlines - (text[newlines - 1] == _RETURN)
    columns, good = _parse_lines(padded, text, starts, ends)
    kept = good.copy()
    for index in np.flatnonzero(~good):
        line = padded[starts[index] : ends[index]]
        if not line.strip():
            continue
        try:
            row = parse_line(line)
        except ValueError as error:
            bad.append(BadLine(first_line + int(index), str(error), line))
            continue
        kept[index] = True
        columns.time_ms[index], columns.visitor_id[index], columns.kind[index] = row[:3]
        columns.item_id[index], columns.transaction_id[index] = row[3:]
    return (columns if kept.all() else columns.take(kept)), len(newlines)


def _parse_lines(
    padded: bytes, text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[EventColumns, npt.NDArray[np.bool_]]:
    """Columns of all lines, and which of them hold an event beyond doubt; the others' values mean nothing."""
    commas = np.flatnonzero(text == _COMMA)
    before = np.searchsorted(commas, starts)
    good = np.searchsorted(commas, ends) - before == len(CSV_HEADER) - 1
    # A line with another number of commas is looked at as if it were four times empty; its result is void anyhow.
    commas = np.append(commas, np.full(len(CSV_HEADER) - 1, PADDING))
    c0, c1, c2, c3 = (np.where(good, commas[before + field], starts) for field in range(len(CSV_HEADER) - 1))
    words = words_at(padded)
    time_ms, ok = numbers_before(words, starts, c0)
    good &= ok & (time_ms <= MAX_TIMESTAMP_MS)
    visitor_id, ok = numbers_before(words, c0 + 1, c1)
    good &= ok
    kind = _kinds(words, c1 + 1, c2)
    good &= kind >= 0
    item_id, ok = numbers_before(words, c2 + 1, c3)
    good &= ok
    transaction_id = np.full(len(starts), NO_TRANSACTION, dtype=np.int64)
    given = np.flatnonzero(good & (ends > c3 + 1))
    transaction_id[given], ok = numbers_before(words, c3[given] + 1, ends[given])
    good[given] = ok & (kind[given] == TRANSACTION)
    return EventColumns(time_ms, visitor_id, kind, item_id, transaction_id), good


def _kinds(
    words: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int8]:
    """The kind's code for each field, -1 where it is no kind's label."""
    kind = np.full(len(starts), -1, dtype=np.int8)
    length = ends - starts
    for label, code in _LABELS.items():
        at = np.flatnonzero(length == len(label))
        # The first and last 8 bytes cover a label; of a shorter one, the last 8 less what precedes it.
        cut = np.uint64(8 * max(0, 8 - len(label)))
        head, tail = label[:8].rjust(8, b"\0"), label[-8:].rjust(8, b"\0")
        same = words[ends[at] - 8] >> cut << cut == np.frombuffer(tail, dtype="<u8")[0]
        if len(label) > 8:
            same &= words[starts[at]] == np.frombuffer(head, dtype="<u8")[0]
        kind[at[same]] = code
    return kind


def _concatenate(parts: list[EventColumns]) -> EventColumns:
    if not parts:
        empty = np.empty(0, dtype=np.int64)
        return EventColumns(empty, empty, empty.astype(np.int8), empty, empty)
    return EventColumns(
        np.concatenate([part.time_ms for part in parts]),
        np.concatenate([part.visitor_id for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.item_id for part in parts]),
        np.concatenate([part.transaction_id for part in parts]),
    )


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    """The file's data lines (its header checked and left out) in blocks of whole lines, each closed by a newline."""
    try:
        with _open(path) as file:
            _check_header(path, file.readline(64 << 10))
            rest: list[bytes] = []
            while chunk := file.read(size):
                if cut := chunk.rfind(b"\n") + 1:
                    yield b"".join((*rest, chunk[:cut]))
                    rest = [chunk[cut:]]
                else:
                    rest.append(chunk)
            if any(rest):
                yield b"".join((*rest, b"\n"))
    except FileNotFoundError:
        raise ClickstreamError(f"{path} does not exist", hint="make it with: clickstream data generate") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise ClickstreamError(f"{path} is not a whole {path.suffix} file: {error}") from error
    except OSError as error:
        raise ClickstreamError(f"{path} cannot be read: {error.strerror or error}") from error


def _open(path: Path) -> io.BufferedIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    if path.suffix == ".zst":
        return zstd.open(path, "rb")
    return path.open("rb")


def _check_header(path: Path, line: bytes) -> None:
    header = line.removeprefix(_BOM).rstrip(b"\r\n")
    if header == _HEADER:
        return
    found = f"it begins with {_show(header)}" if line else "it is empty"
    raise ClickstreamError(f"{path} does not begin with the header {_HEADER.decode()}: {found}")
