"""Commands that go on showing: `watch`, and `status` and `lag` with --watch. All print the dashboard's own Frames.

Asks no server.
"""

from __future__ import annotations

import json
import logging
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clickstream.cli import activity, output, views, views_lag
from clickstream.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.cli.output import Block

FIRST_WITHIN = 5.0
"""Seconds that the servers have to answer before something is shown without them."""

ABOUT_A_SECOND = 0.9

WIDTH = 80
"""Cells of a line of figures at most."""


def watch(args: Namespace) -> int:
    with _frames() as frames:
        if args.json:
            import msgspec

            for frame in frames:
                output.write_json_line(json.loads(msgspec.json.encode(frame)))
        else:
            _write_journal(frames)
    return ExitCode.DONE


def status(args: Namespace) -> int:
    from clickstream.actions.observe import documents

    def known(frame: Frame) -> bool:
        return frame.counts is not None or not _all_answer(frame)

    return _show(args, known, views.status, documents.status)


def lag(args: Namespace) -> int:
    from clickstream.actions.observe import documents

    def known(frame: Frame) -> bool:
        return frame.read_per_second is not None or not _all_answer(frame) or frame.topic_exists is False

    return _show(args, known, views_lag.lag, documents.lag)


@contextmanager
def _frames() -> Iterator[Iterator[Frame]]:
    from clickstream.actions.observe.watcher import Watcher
    from clickstream.config.settings import load_settings

    # Drivers log to stderr where nobody has said otherwise: once a second, for a server that is down.
    logging.getLogger().addHandler(logging.NullHandler())
    with Watcher(load_settings) as watcher:
        yield _once_a_second(watcher.frames())


def _once_a_second(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Without those that come in between when something happens; the next one tells it too."""
    last = 0.0
    for frame in frames:
        if frame.at - last >= ABOUT_A_SECOND:
            last = frame.at
            yield frame


def _show(
    args: Namespace,
    known: Callable[[Frame], bool],
    view: Callable[[Frame], Sequence[Block]],
    document: Callable[[Frame], Any],
) -> int:
    """Show each frame: on a terminal in place of the one before, elsewhere one after the other.

    Args:
        args: the command line.
        known: whether a frame holds all that the command shows; the first one is waited for.
        view: words it for people.
        document: makes JSON of it.
    """
    with _frames() as frames:
        results = _from_first_known(frames, known)
        if args.json or not output.is_terminal():
            for result in results:
                if args.json:
                    output.write_json_line(document(result))
                else:
                    output.write([*view(result), output.Line("")])
            return ExitCode.DONE
        from rich.live import Live

        activity.end()
        last: Sequence[Block] = ()
        try:
            with Live(console=output.console(), auto_refresh=False, screen=True) as live:
                for result in results:
                    last = view(result)
                    live.update(output.renderable([*last, output.Line("Ctrl+C ends")]), refresh=True)
        finally:
            output.write(last)  # the screen has gone, and its last picture with it
    return ExitCode.DONE


def _from_first_known(frames: Iterator[Frame], known: Callable[[Frame], bool]) -> Iterator[Frame]:
    began = time.monotonic()
    for frame in frames:
        asking = any(row.state == "asking" for row in frame.services)
        if time.monotonic() - began >= FIRST_WITHIN or (not asking and known(frame)):
            yield frame
            break
    yield from frames


def _all_answer(frame: Frame) -> bool:
    return all(frame.service(name).state == "ok" for name in ("kafka", "postgresql"))


def _write_journal(frames: Iterator[Frame]) -> None:
    """What happened, and a line of figures a second."""
    shown = 0.0
    for frame in frames:
        fresh = [one for one in reversed(frame.happenings) if one.at > shown]
        for one in fresh:
            output.write([output.Line(f"{_clock(one.at)}  {one.text}")])
        shown = max([shown, *(one.at for one in fresh)])
        output.write_text(_figures(frame, min(WIDTH, output.width() or WIDTH)))


def _figures(frame: Frame, width: int) -> str:
    """One line; what does not fit goes, the least important first."""
    settled, *rest = _outcomes(frame)
    words = [
        f"{_clock(frame.at)}  produced {output.rate(frame.produced_per_second)}",
        settled,
        f"lag {output.exact(frame.lag)}",
        *rest,
        f"open {output.exact(frame.active_sessions)}",
        *([f"p95 {frame.latency.p95:.0f} ms"] if frame.latency else []),
    ]
    while len("  ".join(words)) > width:
        words.pop()
    return "  ".join(words)


def _outcomes(frame: Frame) -> list[str]:
    """What becomes of the messages that are read; how many are read, where the consumers do not say more."""
    found = frame.outcomes
    if found is None:
        return [f"read {output.rate(frame.read_per_second)}"]
    rest = {"duplicates": found.duplicates, "rejected": found.rejected, "late": found.late}
    flowing = [f"{name} {output.rate(value)}" for name, value in rest.items() if value]
    return [f"stored {output.rate(found.stored)}", *flowing]


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
