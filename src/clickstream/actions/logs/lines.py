"""Parses log lines: time, level, and the text with control characters escaped. Keeps no line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clickstream.actions.logs.read import Tail, escape_line
from clickstream.config.paths import Home

DEBUG, INFO, WARNING, ERROR = range(4)

_LEVELS: Final = {
    **dict.fromkeys(("TRACE", "DEBUG"), DEBUG),
    **dict.fromkeys(("INFO", "NOTICE", "LOG"), INFO),
    **dict.fromkeys(("WARN", "WARNING"), WARNING),
    **dict.fromkeys(("ERROR", "FATAL", "PANIC", "CRITICAL"), ERROR),
}

_LEVEL: Final = re.compile(rf"\b({'|'.join(_LEVELS)})\b")

_LEVEL_WITHIN: Final = 80
"""Characters in which a line's own level stands; a word further on is part of what it says."""

_TIME: Final = re.compile(r"(?:--- |\[)?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)[.,](\d{3})")

_VALKEY: Final = re.compile(r"\d+:[A-Z] (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d)\.(\d{3}) (.)")

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_VALKEY_LEVELS: Final = {"#": WARNING, ".": DEBUG, "-": INFO, "*": INFO}

_BELONGS_TO_THE_ONE_BEFORE: Final = re.compile(r"\] (STATEMENT|DETAIL|HINT|CONTEXT|QUERY):")

_BAD_NEWS: Final = re.compile(r"crash|killed|by signal|failed|given up|exit code [1-9]")
"""In the supervisor's notes, which have no level."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    process: str
    text: str
    """Printable, tabs expanded."""
    level: int
    """DEBUG, INFO, WARNING or ERROR; a line without one has that of the line before."""
    at: str
    """When it was logged, for sorting; a line that does not tell has the time of the line before."""
    note: bool
    """The supervisor's word on the process, not the process's own."""


class LogReader:
    """Reads the ends of logs, then what comes. Belongs to one thread."""

    def __init__(self, home: Home, *, last: int) -> None:
        """`last`: so many lines of each log, when it is read for the first time."""
        self._home = home
        self._last = last
        self._tails: dict[str, Tail] = {}
        self._before: dict[str, LogLine] = {}

    def read(self, names: Iterable[str]) -> list[LogLine]:
        """What these processes have logged since it was asked for last, by time."""
        found: list[LogLine] = []
        for name in names:
            if name in self._tails:
                lines = self._tails[name].new()
            else:
                self._tails[name] = tail = Tail(self._home.logs / f"{name}.log")
                lines = tail.last(self._last)
            found += [self._line(name, text) for text in lines]
        return sorted(found, key=lambda line: line.at)

    def _line(self, name: str, raw: str) -> LogLine:
        line = parse(name, raw, self._before.get(name))
        self._before[name] = line
        return line


def parse(process: str, raw: str, before: LogLine | None) -> LogLine:
    """A line as it stands in the log; `before`: the one before it in the same log."""
    text = escape_line(raw)
    note = raw.startswith("--- ")
    at, level = _time(raw), INFO
    inherits = (not at and not note) or _BELONGS_TO_THE_ONE_BEFORE.search(raw, 0, _LEVEL_WITHIN)
    if note:
        level = WARNING if _BAD_NEWS.search(raw) else INFO
    elif valkey := _VALKEY.match(raw):
        level = _VALKEY_LEVELS.get(valkey[6], INFO)
    elif match := _LEVEL.search(raw, 0, _LEVEL_WITHIN):
        level = _LEVELS[match[1]]
    elif inherits and before is not None:
        level = before.level
    return LogLine(process, text, level, at or (before.at if before else ""), note)


def _time(raw: str) -> str:
    if match := _TIME.match(raw):
        at = f"{match[1]}T{match[2]}.{match[3]}"
        return _utc(at) if raw.startswith("[") else at
    if match := _VALKEY.match(raw):
        day, month, year, time, milliseconds, _ = match.groups()
        if month in _MONTHS:
            return _utc(f"{year}-{_MONTHS.index(month) + 1:02d}-{day}T{time}.{milliseconds}")
    return ""


def _utc(at: str) -> str:
    """Kafka and Valkey tell this machine's time, all others UTC."""
    try:
        return datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return at
