"""A progress bar for long work on a terminal, a line on stderr now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickstream.cli.diagnostics import say

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
def _painted(words: str, unit: str) -> Iterator[Advance]:
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from clickstream.cli import output

    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=output.console(stderr=True), transient=True) as progress:
        task = progress.add_task(words, total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)


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
