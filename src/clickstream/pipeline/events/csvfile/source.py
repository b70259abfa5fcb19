"""The lines of a CSV file in blocks: unpacks it, and checks and skips its header.

The first bytes decide how a file is packed, not its name, which can be wrong (an `events.csv` that is gzip) and varies
(`EVENTS.CSV.GZ`).
A file that is not such a CSV is refused, with what it is and the cure, before any of its bytes counts as a line.
"""

from __future__ import annotations

import gzip
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedIOBase, BufferedReader
from itertools import chain, zip_longest
from pathlib import Path
from typing import IO, Final

from clickstream.domain.errors import FileFault
from clickstream.domain.events import CSV_HEADER

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HEADER: Final = ",".join(CSV_HEADER).encode()
_BOM: Final = b"\xef\xbb\xbf"

_HEAD_BYTES: Final = 4096
"""What of the first line is read to find the header, or the name of what has none."""

_GZIP, _ZSTD, _ZIP = "gzip", "Zstandard", "zip"

_MAGIC: Final = (
    (re.compile(rb"\x1f\x8b"), _GZIP),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _ZSTD),  # a frame, or one to be skipped before it
    (re.compile(rb"PK(\x03\x04|\x05\x06)"), _ZIP),
    (re.compile(rb"BZh"), "bzip2"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7-Zip"),
    (re.compile(rb"\x04\x22\x4d\x18"), "LZ4"),
    (re.compile(rb"PAR1"), "Parquet"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "Excel"),
    (re.compile(rb"(?s).{257}ustar"), "tar"),
)
"""How formats begin."""

_ZIP_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others need modules that a Python may lack."""

_NAMED: Final = 5
"""Members of an archive that are named where they are too many."""

_SHOWN: Final = 40
"""Characters of a foreign text that are shown."""


def blocks(path: Path, size: int) -> Generator[bytes]:
    """The lines after the header in blocks of `size` bytes or a line more, each of whole lines, closed by a newline.

    Line ends may be those of Unix, of Windows or (a single carriage return, told by the header's) of old Macs.

    Raises:
        FileFault: the file cannot be read, is cut or damaged, or is not our CSV.
    """
    with faults_of(path), path.open("rb") as packed, _unpacked(path, packed) as text:
        body, returns = _after_header(path, text.readline(_HEAD_BYTES))
        rest: list[bytes] = []
        for part in chain([body] * bool(body), iter(partial(text.read, size), b"")):
            chunk = part.replace(b"\r", b"\n") if returns else part
            if cut := chunk.rfind(b"\n") + 1:
                yield b"".join((*rest, chunk[:cut]))
                rest = [chunk[cut:]]
            else:
                rest.append(chunk)
        if any(rest):
            yield b"".join((*rest, b"\n"))


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turns what the system says of the file into a FileFault."""
    try:
        yield
    except FileNotFoundError:
        raise FileFault(f"{path} does not exist", hint="make it with: clickstream data generate") from None
    except OSError as error:
        raise FileFault(f"{path} cannot be read: {error.strerror or error}") from error


def show(field: bytes) -> str:
    """Foreign bytes, for a sentence."""
    text = field[:_SHOWN].decode("utf-8", "replace")
    return repr(text) + ("..." if len(field) > _SHOWN else "")


@contextmanager
def _unpacked(path: Path, packed: BufferedReader) -> Iterator[BufferedIOBase | IO[bytes]]:
    kind = _format(packed.peek(_HEAD_BYTES))
    try:
        if kind == _GZIP:
            with gzip.open(packed) as text:
                yield text
        elif kind == _ZSTD:
            with zstd.open(packed) as text:
                yield text
        elif kind == _ZIP:
            with _zipped(path, packed) as text:
                yield text
        else:
            yield packed
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError, zipfile.BadZipFile) as error:
        words = f"{path} is a {kind} file that is cut or damaged: {error}"
        raise FileFault(words, hint="pack or copy it again") from error


def _format(start: bytes) -> str:
    return next((name for magic, name in _MAGIC if magic.match(start)), "")


def _zipped(path: Path, packed: BufferedReader) -> IO[bytes]:
    """The one file, or the one .csv, in it; what macOS adds does not count."""
    try:
        archive = zipfile.ZipFile(packed)
        files = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        member = _member(path, files)
        return archive.open(member)
    except (
        ValueError,
        IndexError,
        struct.error,
        NotImplementedError,
    ) as error:  # zipfile does not catch all that damage does
        raise zipfile.BadZipFile(str(error)) from error


def _member(path: Path, files: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    tables = [one for one in files if one.filename.lower().endswith(".csv")]
    if any(one.filename.startswith("xl/") for one in files):
        raise FileFault(f"{path} is an Excel workbook, not a CSV file", hint="save it as CSV UTF-8")
    if len(files) != 1 and len(tables) != 1:
        names = ", ".join(one.filename for one in files[:_NAMED]) + ", ..." * (len(files) > _NAMED)
        held = f"{len(files)} files: {names}" if files else "no file"
        raise FileFault(
            f"{path} is a zip file that must hold one CSV file and holds {held}",
            hint="unpack it, and name the file of events",
        )
    (member,) = tables if len(tables) == 1 else files
    if member.flag_bits & 1:
        raise FileFault(f"{path} is a zip file with a password", hint="unpack it first")
    if member.compress_type not in _ZIP_METHODS:
        method = f"method {member.compress_type}, which is not read"
        raise FileFault(f"{path} is a zip file packed by {method}", hint="unpack it first")
    return member


def _after_header(path: Path, head: bytes) -> tuple[bytes, bool]:
    """What follows the header line, and whether lines end with a single carriage return.

    Raises:
        FileFault: it does not begin with the header.
    """
    head = head.removeprefix(_BOM)
    line = (head.splitlines() or [b""])[0]
    if line != _HEADER:
        raise _fault(path, head, line)
    rest = head[len(line) :]
    after = rest.lstrip(b"\r")
    if rest.startswith(b"\r") and not after.startswith(b"\n"):
        return rest[1:], True
    return after.removeprefix(b"\n"), False


def _fault(path: Path, head: bytes, line: bytes) -> FileFault:
    """What this file is instead."""
    if kind := _format(head):
        return FileFault(f"{path} holds {kind} data, not CSV", hint="unpack it, or write it as CSV")
    if encoding := _encoding(head):
        return FileFault(
            f"{path} is encoded as {encoding}, not as UTF-8",
            hint=f"convert it: iconv -f {encoding} -t UTF-8 IN.csv > OUT.csv",
        )
    if b"\0" in line:
        return FileFault(f"{path} holds binary data, not CSV")
    found = f"it begins with {show(line)}{_difference(line)}" if head else "it is empty"
    return FileFault(
        f"{path} does not begin with the header {_HEADER.decode()}: {found}",
        hint="write these columns, in this order, with commas and without quotes",
    )


def _encoding(head: bytes) -> str:
    """UTF-32 or UTF-16, with a byte order mark or without, if the head is ASCII written so."""
    start = head[:64]
    for encoding in ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"):
        text = start[: len(start) // 4 * 4].decode(encoding, "replace").lstrip("\ufeff")
        if text and text.isascii() and "\0" not in text:
            return encoding
    return ""


def _difference(line: bytes) -> str:
    """Where it differs from the header first."""
    separator = next((one for one in (b";", b"\t", b"|") if one in line and b"," not in line), None)
    if separator:
        return f", which is separated by {show(separator)}"
    for number, (name, wanted) in enumerate(zip_longest(line.split(b","), CSV_HEADER), 1):
        if name is None:
            return f", where column {number}, {wanted}, is missing"
        if wanted is None:
            return f", where column {number} is {show(name)}, one too many"
        if name != wanted.encode():
            return f", where column {number} is {show(name)}, not {wanted}"
    return ""
