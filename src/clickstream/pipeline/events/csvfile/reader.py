"""Reads a CSV file of events into columns; every line that is not an event is kept, with the reason.

There are two readers of one grammar. `_read_block` parses the well-formed lines of a block at once, in numpy; every
other line goes through `parse_line`, which decides. So the fast one may be strict, and is never wrong.

The grammar is that of programs, not only our own: pandas writes a column of whole numbers of which one is missing as
`4000.0`, and the missing one as `nan`. Such a float is exact up to 2**53; beyond that, and with an exponent, digits may
be lost: a bad line.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clickstream.domain.errors import FileFault, Interrupted
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
from clickstream.pipeline.events.columns import concat, empty
from clickstream.pipeline.events.csvfile.source import blocks, faults_of, show
from clickstream.pipeline.events.csvfile.units import refuse_other_units
from clickstream.pipeline.events.digits import PADDING, numbers_before, words_at

BLOCK_BYTES: Final = 4 << 20
"""Small enough that a block's columns stay in the processor's cache."""

LOOK_BYTES: Final = 256 << 10
LOOK_ON: Final = 256 << 20

_LABELS: Final = {kind.encode(): code for code, kind in enumerate(KINDS)}
_NEWLINE, _RETURN, _COMMA = b"\n\r,"

_NUMBER: Final = re.compile(rb"(-?)([0-9]+)(\.0*)?")
_EXPONENT: Final = re.compile(rb"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")

_DOT_ZERO: Final = int.from_bytes(b".0", "little")
_DOTTED: Final = 17
"""Length of a field whose digits before `.0` are below _EXACT, whatever they are."""

_KIND, _TRANSACTION_ID = CSV_HEADER.index("event"), CSV_HEADER.index("transactionid")

_EXACT: Final = 1 << 53
"""Up to here a float holds every whole number."""

_NOTHING: Final = (b"nan", b"-nan", b"null", b"none", b"na", b"n/a", b"#n/a", b"<na>", b"nat", b"\\n")
"""How other programs write an empty field, in lower case: pandas, NumPy, R, Excel, SQL, PostgreSQL, Hive."""

_OFTEN: Final = (b"nan", b"NaN", b"NULL", b"None")
"""Those of them that whole files are full of: taken a block at a time."""


_Fields = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
"""Start and end of each field in the text, of all lines."""


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
        path: CSV, plain or compressed; see source.py.
        limit: keep only that many events, the first by time.
        cancelled: asked now and then; True ends the reading.
        block: bytes worked on at a time.

    Raises:
        FileFault: the file cannot be read, does not begin with the header, has times in another unit than milliseconds
            (see units.py), or bad lines only.
        Interrupted: `cancelled` said so.
    """
    parts: list[EventColumns] = []
    bad: list[BadLine] = []
    line = 2
    for data in blocks(path, block):
        if cancelled():
            raise Interrupted("reading was stopped")
        columns, lines = _read_block(data, line, bad)
        parts.append(columns)
        line += lines
    columns = concat(parts) if parts else empty()
    rows = len(columns) + len(bad)
    in_order = bool(np.all(columns.time_ms[1:] >= columns.time_ms[:-1]))
    if not in_order:
        columns = columns.take(np.argsort(columns.time_ms, kind="stable"))
    _judge(path, columns, bad)
    return CsvEvents(columns.take(slice(limit)), bad, rows, in_order)


def refuse_unreadable(path: Path) -> None:
    """Refuse what `read_events` would, for less: the first LOOK_ON bytes are unpacked, their beginning is parsed.

    A beginning that is out of order has the whole file read, which decides. So nothing is refused here that could be
    read; what comes to light later only, in a large file, is left to the reader.

    Raises:
        FileFault: as `read_events` does; and for what is not a file, or holds the header only.
    """
    with faults_of(path):
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileFault(f"{path} is not a file", hint="PRODUCER_DATA_FILE or --file names another")
    bad: list[BadLine] = []
    with closing(blocks(path, LOOK_BYTES)) as found:
        columns, _ = _read_block(next(found, b"\n"), 2, bad)
        for _ in islice(found, LOOK_ON // LOOK_BYTES):
            pass
    with suppress(FileFault):
        _judge(path, columns.take(np.argsort(columns.time_ms)), bad)
        if len(columns):
            return
    if not read_events(path).rows:
        raise FileFault(f"{path} holds the header and no event")


def _judge(path: Path, columns: EventColumns, bad: list[BadLine]) -> None:
    """Refuse the file for what only all of its lines show. `columns` are in order of time."""
    refuse_other_units(path, columns.time_ms, bad)
    if bad and not len(columns):
        lines = f"all {len(bad):,} lines are" if len(bad) > 1 else "its one line is"
        raise FileFault(f"{path} holds no event: {lines} bad; line {bad[0].line}: {bad[0].reason}")


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
        raise ValueError(f"event must be view, addtocart or transaction, not {show(fields[2])}")
    item_id = _number("itemid", fields[3], MAX_ID)
    if not fields[4] or fields[4].lower() in _NOTHING:
        return time_ms, visitor_id, kind, item_id, NO_TRANSACTION
    if kind != TRANSACTION:
        raise ValueError(f"transactionid {show(fields[4])} given, although event is {KINDS[kind]}")
    return time_ms, visitor_id, kind, item_id, _number("transactionid", fields[4], MAX_ID)


def _number(name: str, field: bytes, largest: int) -> int:
    if not field:
        raise ValueError(f"{name} is empty")
    if not (match := _NUMBER.fullmatch(field)):
        if _EXPONENT.fullmatch(field):
            raise ValueError(f"{name} has an exponent, and may have lost digits: {show(field)}")
        raise ValueError(f"{name} is not a whole number: {show(field)}")
    sign, digits, fraction = match.groups()
    if sign:
        raise ValueError(f"{name} is negative: {show(field)}")
    digits = digits.lstrip(b"0") or b"0"
    if len(digits) > 19 or int(digits) > largest:  # int() of a very long text is slow, or refused
        raise ValueError(f"{name} is larger than {largest}: {show(field)}")
    if fraction and int(digits) > _EXACT:
        raise ValueError(f"{name} is a float above {_EXACT}, and may have lost digits: {show(field)}")
    return int(digits)


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
            row = parse_line(line.rstrip(b"\r"))
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
    five = np.searchsorted(commas, ends) - before == len(CSV_HEADER) - 1
    # A line with another number of commas is treated as four empty fields; its result is not used.
    commas = np.append(commas, np.full(len(CSV_HEADER) - 1, PADDING))
    c0, c1, c2, c3 = (np.where(five, commas[before + field], starts) for field in range(len(CSV_HEADER) - 1))
    words = words_at(padded)
    fields = [(starts, c0), (c0 + 1, c1), (c1 + 1, c2), (c2 + 1, c3), (c3 + 1, ends)]
    columns, good = _parse_fields(words, fields)
    good &= five
    odd = np.flatnonzero(five & ~good)
    if len(odd):
        plain = _strip_quotes(words, [(start[odd], end[odd]) for start, end in fields])
        found, good[odd] = _parse_fields(words, plain)
        columns.time_ms[odd], columns.visitor_id[odd], columns.kind[odd] = found.time_ms, found.visitor_id, found.kind
        columns.item_id[odd], columns.transaction_id[odd] = found.item_id, found.transaction_id
    return columns, good


def _parse_fields(words: npt.NDArray[np.uint64], fields: _Fields) -> tuple[EventColumns, npt.NDArray[np.bool_]]:
    """As `_parse_lines`, of lines whose fields are known."""
    time_ms, good = numbers_before(words, *fields[0])
    good &= time_ms <= MAX_TIMESTAMP_MS
    visitor_id, ok = numbers_before(words, *fields[1])
    good &= ok
    kind = _kinds(words, *fields[2])
    good &= kind >= 0
    item_id, ok = numbers_before(words, *fields[3])
    good &= ok
    start, end = fields[4]
    transaction_id = np.full(len(start), NO_TRANSACTION, dtype=np.int64)
    given = np.flatnonzero(good & (end > start))
    transaction_id[given], ok = numbers_before(words, start[given], end[given])
    good[given] = ok & (kind[given] == TRANSACTION)
    return EventColumns(time_ms, visitor_id, kind, item_id, transaction_id), good


def _strip_quotes(words: npt.NDArray[np.uint64], fields: _Fields) -> _Fields:
    """The fields without `.0` at the end of a number, and without the usual words for an empty one."""
    plain = []
    for place, (start, end) in enumerate(fields):
        length, last = end - start, words[end - 8]
        dotted = (last >> np.uint64(48) == _DOT_ZERO) & (length > 2) & (length <= _DOTTED)
        cut = np.where(dotted & (place != _KIND), end - 2, end)
        for name in _OFTEN if place == _TRANSACTION_ID else ():
            bits = np.uint64(8 * (8 - len(name)))
            same = (length == len(name)) & (last >> bits == int.from_bytes(name, "little"))
            cut = np.where(same, start, cut)
        plain.append((start, cut))
    return plain


def _kinds(
    words: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int8]:
    """The kind's code for each field, -1 where it is not a kind's label."""
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
