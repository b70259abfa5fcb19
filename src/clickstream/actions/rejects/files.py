"""Rejects that are lines of CSV files: their files and their ids. The files' format is the pipeline's."""

from __future__ import annotations

import csv
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.events import BadLine
from clickstream.domain.rejects import RejectFilter, RejectSource
from clickstream.pipeline.events.csvfile.rejects import SUFFIX, read_rejects, remove_lines

_ID: Final = re.compile(r"csv:(.+):(\d{1,18})", re.DOTALL)
_MADE_AT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*")


@dataclass(frozen=True, slots=True)
class CsvPlace:
    """One line, and the rejects file in which it lies."""

    path: Path
    bad: BadLine

    @property
    def id(self) -> str:
        return f"{RejectSource.CSV}:{_run(self.path)}:{self.bad.line}"

    @property
    def at(self) -> str:
        """When the producer rejected it: ISO 8601, UTC."""
        return _made_at(self.path)


def places(home: Home, chosen: RejectFilter) -> list[CsvPlace]:
    """All lines that are chosen. Raises ClickstreamError for a file that cannot be read."""
    return [place for found in by_file(home, chosen) for place in found]


def by_file(home: Home, chosen: RejectFilter) -> Iterator[list[CsvPlace]]:
    """The same, a file at a time, oldest first."""
    for path in sorted(home.rejects.glob(f"*{SUFFIX}")) if chosen.lines else ():
        with suppress(FileNotFoundError):  # another process has just removed its last line
            at = datetime.fromisoformat(_made_at(path))
            if bad := [line for line in _read(path) if chosen.holds_line(line.reason, at)]:
                yield [CsvPlace(path, line) for line in bad]


def count(home: Home) -> int:
    """How many lines there are. Cheap to ask again: a file is read once. Raises as `places` does."""
    return sum(_count_in(path, found.st_mtime_ns, found.st_size) for path, found in _files(home))


def _files(home: Home) -> Iterator[tuple[Path, os.stat_result]]:
    for path in home.rejects.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):  # another process has just removed its last line
            yield path, path.stat()


@lru_cache(maxsize=1024)
def _count_in(path: Path, _changed_ns: int, _size: int) -> int:
    return len(_read(path))


def place(home: Home, id_: str) -> CsvPlace | None:
    """The line of that id; None where there is none."""
    match = _ID.fullmatch(id_)
    paths = [path for path in home.rejects.glob(f"*{SUFFIX}") if match and _run(path) == match[1]]
    lines = [line for line in _read(paths[0]) if match and line.line == int(match[2])] if paths else []
    return CsvPlace(paths[0], lines[0]) if lines else None


def remove(found: Iterable[CsvPlace]) -> int:
    """Take these lines out of their files; how many there were."""
    lines: dict[Path, set[int]] = {}
    for one in found:
        lines.setdefault(one.path, set()).add(one.bad.line)
    return sum(remove_lines(path, numbers) for path, numbers in lines.items())


def _run(path: Path) -> str:
    """What tells one producer run's file from another's."""
    return path.name.removesuffix(SUFFIX)


def _made_at(path: Path) -> str:
    if match := _MADE_AT.fullmatch(_run(path)):
        return "{}-{}-{}T{}:{}:{}.000Z".format(*match.groups())
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(path.stat().st_mtime))


def _read(path: Path) -> list[BadLine]:
    try:
        return read_rejects(path)
    except FileNotFoundError:  # another process has just removed its last line
        return []
    except (csv.Error, StopIteration, ValueError) as error:
        hint = "move it away, or fix it"
        raise ClickstreamError(
            f"{path} is not a file of rejected lines as the producer writes it", hint=hint
        ) from error
