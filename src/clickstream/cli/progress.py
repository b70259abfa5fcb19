"""A progress bar for long work on a terminal, a line on stderr now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickstream.cli.diagnostics import say
from clickstream.domain.harmless import harmless

LINE_EVERY = 2.0
"""Seconds between two lines where there is no terminal."""

Advance = Callable[[int, int], None]
"""Called with what is done and with the total."""


@contextmanager
def bar(words: str, unit: str) -> Iterator[Advance]:
    """Show how far the work is while the block runs. `unit`: `bytes`, or the name of what is counted."""
    if sys.stderr.isatty():
        with _painted(words, unit) as advance:
            yield advance
    else:
        yield _Lines(words, unit)


@contextmanager
def _painted(words: str, unit: str) -> Iterator[Callable[..., None]]:
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from clickstream.cli import output

    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=output.console(stderr=True), transient=True) as progress:
        task = progress.add_task(words, total=None, visible=False)

        def advance(done: int, total: int | None, now: str = words) -> None:
            progress.update(task, completed=done, total=total, description=harmless(now), visible=True)

        yield advance


class _Lines:
    """The same without a terminal."""

    def __init__(self, words: str, unit: str) -> None:
        self._words = words
        self._unit = unit
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_EVERY and total:
            self._last = now
            say(f"{self._words}: {100 * done / total:.0f} % of {total:,} {self._unit}")


Phase = Callable[[str, int, int], None]
"""Called with what is done now, how much of it is done and how much there is (0: nothing to measure)."""


@contextmanager
def phases(unit: str) -> Iterator[Phase]:
    """Show work that goes through several phases, one at a time. `unit`: the name of what is counted."""
    if sys.stderr.isatty():
        with _painted("", unit) as advance:
            yield _Painted(advance)
    else:
        yield _Told(unit)


class _Painted:
    def __init__(self, advance: Callable[..., None]) -> None:
        self._advance = advance

    def __call__(self, words: str, done: int, total: int) -> None:
        self._advance(done, total or None, words)


class _Told:
    """A line for each new phase, and now and then within one."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._words = ""
        self._lines: _Lines | None = None

    def __call__(self, words: str, done: int, total: int) -> None:
        if words != self._words or self._lines is None:
            self._words, self._lines = words, _Lines(words, self._unit)
            say(words)
        self._lines(done, total)
