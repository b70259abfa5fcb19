"""`status`, `lag` and `watch`: the state of the pipeline. All show the same Frames as the dashboard."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from clickstream.cli import activity, frames, output, terminal
from clickstream.cli.declare import command, wrong_use
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.types import SPAN

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.cli.output import Block

FIRST_WITHIN = 5.0
"""Seconds that the servers have to answer before something is shown without them."""

ABOUT_A_SECOND = 0.9

WIDTH = 80
"""Cells of a line of figures at most."""

WATCH = click.option("--watch", is_flag=True, help="Once a second, until Ctrl+C; with --json a document a line.")


@command("status")
@WATCH
def status(watch: bool, as_json: bool) -> int:
    from clickstream.actions.observe import documents
    from clickstream.config.settings import load_settings

    def known(frame: Frame) -> bool:
        return frame.counts is not None or not _all_answer(frame)

    if watch:
        return _watch(known, frames.status, documents.status, as_json=as_json)
    from clickstream.actions.observe.once import observe

    frame = observe(load_settings)
    if as_json:
        output.write_json(documents.status(frame))
    else:
        output.write(frames.status(frame))
    return ExitCode.FAILED if documents.troubles(frame) else ExitCode.DONE


@command("lag")
@WATCH
@click.option(
    "--report",
    is_flag=True,
    help="Once, after watching for four seconds: seconds behind and share of the load too, and what holds each consumer"
    " up. idle, fetch, decode, sessions and waits are shares of the time of the thread that prepares batches and make"
    " 100 %; PostgreSQL is the share of the time that the thread beside it was committing.",
)
@click.option(
    "--history",
    is_flag=True,
    help="Over the last minutes, whether anybody watched or not: how far each partition reached comes from Kafka's"
    " record timestamps, how far it was stored from what the consumers note in Valkey every five seconds.",
)
@click.option("--window", type=SPAN, metavar="5m", help="How far --history reaches back: 5m if not given, at most 2h.")
def lag(watch: bool, report: bool, history: bool, window: float | None, as_json: bool) -> int:
    from clickstream.actions.observe import documents
    from clickstream.config.settings import load_settings

    if watch + report + history > 1:
        wrong_use("--watch, --report and --history exclude one another")
    if window is not None and not history:
        wrong_use("--window says how far --history reaches back; give them together")
    if watch:
        return _watch(_flow_known, frames.lag, documents.lag, as_json=as_json)
    if history:
        from clickstream.actions.observe.history import DEFAULT_WINDOW
        from clickstream.actions.observe.history import history as read

        found = read(load_settings(), window=DEFAULT_WINDOW if window is None else window)
        output.show(found, frames.history, as_json=as_json)
    elif report:
        from clickstream.actions.observe.back_pressure import pressures
        from clickstream.actions.observe.report import report as observed

        frame = observed(load_settings)
        held_up = pressures(frame)
        if as_json:
            output.write_json(documents.report(frame, held_up))
        else:
            output.write(frames.report(frame, held_up))
    else:
        from clickstream.actions.observe.once import observe_flow

        frame = observe_flow(load_settings)
        if as_json:
            output.write_json(documents.lag(frame))
        else:
            output.write(frames.lag(frame))
    return ExitCode.DONE


@command("watch", shows_itself=True)
def watch(as_json: bool) -> int:
    with _frames() as frames:
        if as_json:
            import msgspec

            for frame in frames:
                output.write_json_line(json.loads(msgspec.json.encode(frame)))
        else:
            _write_journal(frames)
    return ExitCode.DONE


@contextmanager
def _frames() -> Iterator[Iterator[Frame]]:
    from clickstream.actions.observe.watcher import Watcher
    from clickstream.config.settings import load_settings

    # Drivers log to stderr where nothing else is configured: once a second, for a server that is down.
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


def _watch(
    known: Callable[[Frame], bool],
    view: Callable[[Frame], Sequence[Block]],
    document: Callable[[Frame], Any],
    *,
    as_json: bool,
) -> int:
    """Show each frame: on a terminal in place of the one before, elsewhere one after the other.

    Args:
        known: whether a frame holds all that the command shows; the first one is waited for.
        view: words it for people.
        document: makes JSON of it.
        as_json: print that.
    """
    with _frames() as frames:
        results = _from_first_known(frames, known)
        if as_json or not output.is_terminal():
            for result in results:
                if as_json:
                    output.write_json_line(document(result))
                else:
                    output.write([*view(result), output.TextLine("")])
            return ExitCode.DONE
        from rich.live import Live

        activity.end()
        last: Sequence[Block] = ()
        try:
            with Live(console=terminal.console(), auto_refresh=False, screen=True) as live:
                for result in results:
                    last = view(result)
                    live.update(output.renderable([*last, output.TextLine("Ctrl+C ends")]), refresh=True)
        finally:
            output.write(last)  # the screen has gone, and its last picture with it
    return ExitCode.DONE


def _flow_known(frame: Frame) -> bool:
    return frame.read_per_second is not None or not _all_answer(frame) or frame.topic_exists is False


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
            output.write([output.TextLine(f"{_clock(one.at)}  {one.text}")])
        shown = max([shown, *(one.at for one in fresh)])
        output.write_text(_figures(frame, min(WIDTH, output.width() or WIDTH)))


def _figures(frame: Frame, width: int) -> str:
    """One line; what does not fit goes, the least important first."""
    stored, *rest = _outcomes(frame)
    words = [
        f"{_clock(frame.at)}  produced {output.rate(frame.produced_per_second)}",
        stored,
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
