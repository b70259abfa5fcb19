"""The demo command where there is no dashboard: says how it goes, as lines on stderr."""

from __future__ import annotations

import signal
import time
from argparse import Namespace
from types import FrameType
from typing import TYPE_CHECKING, Any

from clickstream.cli import output, views
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.demo import DemoResult
    from clickstream.actions.demo_progress import DemoProgress, Show
    from clickstream.config.settings import Settings

LINE_EVERY = 2.0
"""Seconds between two lines."""


def demo(args: Namespace) -> int:
    from clickstream.actions.demo import DemoOptions
    from clickstream.actions.demo import demo as action
    from clickstream.config.settings import load_settings

    settings = load_settings()
    options = DemoOptions(limit=args.limit, fresh=args.fresh)
    with Interruption() as interruption:
        result = action(settings, options, interruption.watching(Teller()))
    if args.json:
        output.write_json(result.document())
    else:
        output.write(views.demo(result))
    say(_next_steps(settings, result))
    return ExitCode.DONE if result.ok else ExitCode.FAILED


class Interruption:
    """Ctrl+C, or a polite kill, which ends a demo just so: what it started is stopped.

    A driver's C code may turn the KeyboardInterrupt into another error, or lose it; `asked` is not lost. A context
    manager: whatever way its block ends after an interruption, it ends with KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.asked:
            raise KeyboardInterrupt from error

    def watching(self, show: Show) -> Show:
        """The same, and it ends the demo at the next sign of flow if nothing did before."""

        def watched(now: DemoProgress) -> None:
            show(now)
            if self.asked and now.flow is not None:
                raise KeyboardInterrupt

        return watched

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt


class Teller:
    """Says how a demo goes: every change of phase, and a line every two seconds."""

    def __init__(self) -> None:
        self._last_words = ""
        self._last = float("-inf")

    def __call__(self, now: DemoProgress) -> None:
        due = time.monotonic() - self._last >= LINE_EVERY
        changed = now.words != self._last_words and not now.flow
        if not (due or changed or now.note):
            return
        self._last, self._last_words = time.monotonic(), now.words
        say(f"{now.elapsed:6.1f} s  {now.phase.value:<9}  {_line(now)}")


def _line(now: DemoProgress) -> str:
    flow = now.flow
    if flow is None:
        return f"{now.words}: {100 * now.done / now.total:.0f} %" if now.total else now.words
    return (
        f"produced {flow.produced:,} of {flow.to_produce:,} ({output.number(flow.rate_in, unit='/s')}), "
        f"read {flow.read:,} ({output.number(flow.rate_out, unit='/s')}), lag {sum(flow.lag.values()):,}"
        + ("" if flow.to_index is None else f", to index {flow.to_index:,}")
        + (f"; waiting: {flow.trouble}" if flow.trouble else "")
    )


def _next_steps(settings: Settings, result: DemoResult) -> str:
    words = "" if result.ok else f"not everything adds up: {result.unaccounted or 'verify found differences'}\n"
    words += "look further: clickstream analytics, clickstream sessions show VISITOR, clickstream verify"
    words += "" if result.documents is None else " --opensearch, clickstream opensearch search QUERY"
    return words + ("\nthe servers go on running; clickstream stack down stops them" if settings.embedded else "")
