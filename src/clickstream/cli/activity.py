"""The progress of a command: on a terminal one line that is removed again, elsewhere a line every few seconds.

Work of less than a second shows nothing. Code that writes to the terminal removes the line first.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clickstream.cli import terminal
from clickstream.cli.diagnostics import print_message
from clickstream.domain.escapes import escape_controls

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

SHOWN_AFTER = 1.0
"""Seconds of silence."""

LINE_EVERY = 2.0
"""Seconds between two lines where there is no terminal."""

BAR = 20
"""Cells."""


class Activity:
    """The line of one command. Safe from several threads."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._done = self._total = 0
        self._began = self._said_at = time.monotonic()
        self._said = words
        self._terminal = sys.stderr.isatty()
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._live: Live | None = None

    def begin(self) -> None:
        """Show it in a second, unless `end` comes first."""
        with self._lock:
            if self._terminal and self._timer is None:
                self._timer = threading.Timer(SHOWN_AFTER, self._show)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """Take it away."""
        with self._lock:
            timer, live, self._timer, self._live = self._timer, self._live, None, None
        if timer:
            timer.cancel()
        if live:
            live.stop()

    def report(self, words: str, done: int = 0, total: int = 0) -> None:
        """What is done now, and how much of it; `total` 0: nothing to measure."""
        self._words, self._done, self._total = words, done, total
        now = time.monotonic()
        if self._terminal or now - self._said_at < LINE_EVERY or not (total or words != self._said):
            return
        self._said_at, self._said = now, words
        print_message(f"{words}: {done / total:.0%}" if total else words)

    def _show(self) -> None:
        from rich.live import Live

        with self._lock:
            if self._timer is None:
                return
            # Data goes to stdout, and only after `end`.
            console = terminal.console(stderr=True)
            self._live = Live(
                console=console, get_renderable=self._line, transient=True, refresh_per_second=4, redirect_stdout=False
            )
            self._live.start(refresh=True)

    def _line(self) -> Text:
        from rich.text import Text

        share = min(1.0, self._done / self._total) if self._total else None
        filled = round((share or 0) * BAR)
        how_far = "" if share is None else f"  {'━' * filled}{'─' * (BAR - filled)} {share:.0%}"
        words = f"{self._words}{how_far}  {time.monotonic() - self._began:.0f} s"
        return Text(escape_controls(words), style="dim", no_wrap=True, overflow="ellipsis")


_now: Activity | None = None
"""That of the process's one command."""


@contextmanager
def shown(words: str) -> Iterator[Activity]:
    """Say that this is done, from a second on until the block ends or something is written."""
    global _now  # noqa: PLW0603 (one terminal, one line)
    before, _now = _now, Activity(words)
    mine = _now
    mine.begin()
    try:
        yield mine
    finally:
        mine.end()
        _now = before


def report(words: str, done: int = 0, total: int = 0) -> None:
    """Of the command that runs now: what it does, and how much of it is done."""
    if _now:
        _now.report(words, done, total)


def end() -> None:
    """Before anything is written to stdout, or asked: take the line away for good."""
    if _now:
        _now.end()


def again() -> None:
    """After something was asked: show it again, in a second."""
    if _now:
        _now.begin()
