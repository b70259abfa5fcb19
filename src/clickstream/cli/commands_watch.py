"""Commands that go on showing: `watch`, and `status` and `lag` with --watch. All print the dashboard's own Frames.

Owns how a frame reads as the documents of `status` and `lag`. Asks no server.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clickstream.cli import output, views, views_lag
from clickstream.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from clickstream.actions.group import Worker
    from clickstream.actions.lag.measure import Lag
    from clickstream.actions.status import Service, Status
    from clickstream.actions.watch.frame import Frame, ProcessRow, ServiceRow
    from clickstream.cli.output import Block

FIRST_WITHIN = 5.0
"""Seconds that the servers have to answer before something is shown without them."""

ABOUT_A_SECOND = 0.9

LAG_STATES = {"LAGGING": "WARN", "STOPPED": "STALLED"}
"""The dashboard's words as those that the document of `lag` has always had."""


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
    def known(frame: Frame) -> bool:
        return frame.counts is not None or not _all_answer(frame)

    return _show(args, known, status_of, views.status, lambda now: now)


def lag(args: Namespace) -> int:
    def known(frame: Frame) -> bool:
        return frame.stored_per_second is not None or not _all_answer(frame) or frame.topic_exists is False

    return _show(args, known, lambda frame: frame, _lag_view, lag_document)


def status_of(frame: Frame) -> Status:
    """The frame as what `status` shows."""
    from clickstream.actions.status import Counts, IndexerLag, LagFigures, Status, Topic

    services = {row.name: _service(row) for row in frame.services}
    workers = tuple(_worker(row) for row in frame.processes if row.role not in {"server", "fault"})
    if frame.partitions:
        held = sum(row.end - row.begin for row in frame.partitions)
        topic = Topic(frame.topic, len(frame.partitions), held)
    else:
        topic = Topic(frame.topic, *((0, 0) if frame.topic_exists is False else (None, None)))
    rows = frame.counts.value if frame.counts else None
    counts = Counts(
        rows.events if rows else None,
        rows.sessions if rows else None,
        frame.active_sessions,
        rows.rejected if rows else None,
        replayed_rejects=rows.replayed if rows else None,
    )
    behind = frame.indexing
    indexers = IndexerLag(behind.total, {p.partition: p.lag for p in behind.partitions}) if behind else None
    lag_ = LagFigures(frame.lag, {p.partition: p.lag for p in frame.partitions}, indexers)
    return Status(services, workers, topic, lag_, counts, frame.obstacles)


def lag_of(frame: Frame) -> Lag | None:
    """The frame as what `lag` shows, states in the dashboard's words; None where nothing is known."""
    from clickstream.actions.lag.measure import Lag, PartitionLag

    if frame.lag is None:
        return None
    partitions = tuple(
        PartitionLag(
            partition=row.partition,
            position=row.position,
            end=row.end,
            lag=row.lag,
            trend=row.trend,
            rate_in=round(row.rate_in, 1),
            rate_out=round(row.rate_out, 1),
            seconds_to_catch_up=None if row.seconds_to_drain is None else round(row.seconds_to_drain, 1),
            state=row.state,
            owner=row.owner,
            foreign_owner=row.foreign_owner,
            held_from=row.held_from,
        )
        for row in frame.partitions
    )
    return Lag(frame.topic, frame.lag, partitions, frame.indexing, frame.obstacles)


def lag_document(frame: Frame) -> dict[str, Any]:
    """The JSON document of `lag`, and what the dashboard knows besides.

    `at` (Unix seconds) is when it was read; `condition` is the dashboard's word, `state` the nearest of the document's
    own.
    """
    now = lag_of(frame)
    if now is None:
        return {"topic": None, "total": None, "partitions": [], "at": None, "opensearch": None, "obstacles": []}
    partitions = [
        dataclasses.asdict(one)
        | {"state": LAG_STATES.get(row.state, row.state), "condition": row.state}
        | {"seconds_behind": row.seconds_behind, "share": round(row.share, 4)}
        for one, row in zip(now.partitions, frame.partitions, strict=True)
    ]
    at = min(row.as_of for row in frame.partitions)
    indexers = dataclasses.asdict(now.opensearch) if now.opensearch else None
    obstacles = [dataclasses.asdict(one) for one in now.obstacles]
    document = {"topic": now.topic, "total": now.total, "partitions": partitions, "at": at, "opensearch": indexers}
    return document | {"obstacles": obstacles}


@contextmanager
def _frames() -> Iterator[Iterator[Frame]]:
    from clickstream.actions.watch.watcher import Watcher
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
    read: Callable[[Frame], Any],
    view: Callable[[Any], Sequence[Block]],
    document: Callable[[Any], Any],
) -> int:
    """Show each frame: on a terminal in place of the one before, elsewhere one after the other.

    Args:
        args: the command line.
        known: whether a frame holds all that the command shows; the first one is waited for.
        read: makes of a frame what the command shows.
        view: words that for people.
        document: makes JSON of that.
    """
    with _frames() as frames:
        results = (read(frame) for frame in _from_first_known(frames, known))
        if args.json or not output.is_terminal():
            for result in results:
                if args.json:
                    output.write_json_line(document(result))
                else:
                    output.write([*view(result), output.Line("")])
            return ExitCode.DONE
        from rich.live import Live

        with Live(console=output.console(), auto_refresh=False, screen=True) as live:
            for result in results:
                live.update(output.renderable([*view(result), output.Line("Ctrl+C ends")]), refresh=True)
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
            output.write_text(f"{_clock(one.at)}  {one.text}")
        shown = max([shown, *(one.at for one in fresh)])
        latency = f"  p95 {frame.latency.p95:.0f} ms" if frame.latency else ""
        output.write_text(
            f"{_clock(frame.at)}  produced {output.number(frame.produced_per_second, unit='/s')}"
            f"  stored {output.number(frame.stored_per_second, unit='/s')}  lag {output.exact(frame.lag)}"
            f"  open sessions {output.exact(frame.active_sessions)}{latency}"
        )


def _lag_view(frame: Frame) -> list[Block]:
    if frame.lag is None:
        return [output.Line("nothing is known of the topic: `clickstream status` says why")]
    tables = [*views_lag.partitions(frame.partitions, frame.lag), *views_lag.indexers(frame.indexing)]
    return [*tables, *views_lag.obstacles(frame.obstacles)]


def _service(row: ServiceRow) -> Service:
    from clickstream.actions.status import Service

    if row.name == "opensearch" and row.error == "off":
        return Service(ok=None, error=row.error)
    return Service(row.state == "ok", row.version, row.latency_ms, row.error or None)


def _worker(row: ProcessRow) -> Worker:
    from clickstream.actions.group import Worker

    report = row.report
    return Worker(
        name=row.name,
        role=row.role,
        host=row.host,
        pid=row.pid,
        state=row.state,
        activity=row.activity,
        detail=row.detail or ("" if row.state == "stopped" else row.exit_reason),
        partitions=row.partitions,
        events=report.events if report else 0,
        events_per_second=round(row.rate, 1),
        lag=row.lag,
        active_sessions=report.active_sessions if report else 0,
        restarts=row.restarts,
        rss_bytes=row.rss_bytes,
        uptime_seconds=round(row.uptime_seconds, 1),
        counters=dict(report.counters) if report else {},
        pace=report.pace if report else "",
        local=row.local,
    )


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
