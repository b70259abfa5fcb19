"""The logs of all processes of a home, or of some, as one: by time, filtered by text and level, followed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from clickstream.actions.logs.lines import DEBUG, ERROR, INFO, WARNING, LogLine, LogReader
from clickstream.actions.logs.read import POLL_SECONDS, WHOLE, known
from clickstream.config.paths import Home
from clickstream.domain import spelling
from clickstream.domain.errors import ClickstreamError, UsageError


class Level(StrEnum):
    """How bad a line is; a line without a level has that of the line before."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_LEVELS: Final = {Level.DEBUG: DEBUG, Level.INFO: INFO, Level.WARNING: WARNING, Level.ERROR: ERROR}


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines.

    Raises:
        UsageError: `lines` is below 1.
    """

    names: tuple[str, ...] = ()
    """Of processes; `consumer` also means `consumer-0`, `consumer-1`, …. Empty: all."""
    grep: str = ""
    """Stands in the line, in capitals or not."""
    level: Level = Level.DEBUG
    """That bad, or worse."""
    lines: int = 50
    """The last so many of those that match, of all processes together; what is followed comes on top."""

    def __post_init__(self) -> None:
        if self.lines < 1:
            raise UsageError(f"{self.lines} lines cannot be shown", hint="give a whole number from 1 upwards")

    def holds(self, line: LogLine) -> bool:
        """Whether the line matches."""
        return line.level >= _LEVELS[self.level] and self.grep.casefold() in line.text.casefold()


def last_lines(home: Home, query: LogQuery) -> list[LogLine]:
    """The last lines that match, oldest first, from the rotated files as well.

    Raises:
        UsageError: one of the names has no log.
        ClickstreamError: nothing was logged yet.
    """
    return _Matching(home, query).last()


def follow_lines(home: Home, query: LogQuery) -> Generator[LogLine]:
    """The same lines, then without end those that are logged from now on, of processes that start meanwhile, too.

    Raises as `last_lines` does.
    """
    matching = _Matching(home, query)
    yield from matching.last()
    while True:
        time.sleep(POLL_SECONDS)
        yield from matching.new()


def chosen_names(home: Home, names: Iterable[str]) -> list[str]:
    """The processes that these names mean and that have a log; all for none. Raises as `last_lines` does."""
    logged = known(home, "")
    if not logged:
        raise ClickstreamError("nothing was logged here yet", hint=f"logs lie in {home.logs} once a process has run")
    chosen: set[str] = set()
    for name in names:
        meant = [name] if name in logged else [one for one in logged if one.startswith(f"{name}-")]
        if not meant or not name:
            there = f"there are logs of {', '.join(logged)}"
            raise UsageError(f"{name!r} has no log", hint=spelling.hint(name, logged, there))
        chosen.update(meant)
    return sorted(chosen) or logged


def document(line: LogLine) -> dict[str, Any]:
    """`{"name", "line", "at", "level", "note"}`: `at` in UTC, empty where the log does not tell; `note`: it is the
    supervisor's word on the process."""
    level = next(word for word, number in _LEVELS.items() if number == line.level)
    return {"name": line.process, "line": line.text, "at": line.at, "level": level, "note": line.note}


class _Matching:
    def __init__(self, home: Home, query: LogQuery) -> None:
        chosen_names(home, query.names)
        self._home = home
        self._query = query
        searched = query.grep or query.level is not Level.DEBUG
        self._reader = LogReader(home, last=WHOLE if searched else query.lines)

    def last(self) -> list[LogLine]:
        return self.new()[-self._query.lines :]

    def new(self) -> list[LogLine]:
        names = chosen_names(self._home, self._query.names)
        return [line for line in self._reader.read(names) if self._query.holds(line)]
