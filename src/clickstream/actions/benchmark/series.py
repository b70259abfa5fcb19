"""The benchmark: which runs there are, in which order, and their common result. A single run is in run.py.

Runs of different cases take turns, so that a busy minute of the machine does not fall on one case alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from clickstream.actions import stack
from clickstream.actions.benchmark.history import Record, append_record, machine, versions
from clickstream.actions.benchmark.load import Mode, Order, read
from clickstream.actions.benchmark.run import Case, Run, run
from clickstream.actions.benchmark.traces import Say, Traces
from clickstream.actions.data.generate import generate
from clickstream.actions.processes.workers import local_workers
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.pipeline.events.csvfile.reader import refuse_unreadable

RAMP_SECONDS = 10
"""How long a rate is tried."""

PAUSE = 2.0
"""Seconds between two runs: what the servers have left to do for the last one is not to weigh on the next."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    limits: tuple[int, ...] = (1_000_000,)
    partitions: tuple[int, ...] = (1, 2, 3)
    runs: int = 1
    mode: Mode = Mode.DRAIN
    order: Order = Order.SORTED
    rate: float | None = None
    """Live only; None: as fast as the producer can."""
    ramp: tuple[int, int, int] | None = None
    """First rate, last rate, step: live runs, a rate each, until one is not sustained."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The runs of one case together: medians, where nothing else is said."""

    case: Case
    runs: int
    minimum: float
    """Events a second, as the next two."""
    median: float
    maximum: float
    ratio: float
    """To the copy limit."""
    limit: float
    """The copy limit, in events a second."""
    cpu_us: dict[str, float]
    """By part, microseconds an event."""
    latency_ms: dict[str, float]
    """End to end, live only: p50, p95, p99."""
    peak_rss_bytes: int
    """Of the largest consumer of all runs."""
    sustained: bool
    """In every run."""
    verified: bool
    """In every run."""


def check(options: Options) -> None:
    """Raises UsageError for options that exclude one another or cannot be."""
    if options.mode is Mode.LIVE and options.order is not Order.SORTED:
        raise UsageError("--order goes with --mode drain: a live producer sends in order of time")
    if options.rate and options.mode is not Mode.LIVE:
        raise UsageError("--rate goes with --mode live")
    if options.ramp and not 0 < options.ramp[0] <= options.ramp[1]:
        raise UsageError("--ramp START:END:STEP: START must not be above END, nor any of them 0")


def benchmark(
    settings: Settings, options: Options, say: Say, tell: Callable[[Run], None], cancelled: Callable[[], bool]
) -> Record:
    """Run them all and keep what came out in the history.

    Args:
        settings: whose servers; the embedded ones are started where they are not running.
        options: what to run.
        say: told what is done now.
        tell: given each run as it ends.
        cancelled: asked often.

    Raises:
        UsageError: see `check`.
        ClickstreamError: workers or another benchmark run here; a server went away, a consumer failed.
        Interrupted: `cancelled` said so. Runs that ended before are kept in the history.
    """
    check(options)
    with Traces(settings.home) as traces:
        traces.end_workers()
        settings = _ready(settings, say)
        traces.sweep(settings, say)
        return _measured(settings, options, traces, say, tell, cancelled)


def _measured(
    settings: Settings,
    options: Options,
    traces: Traces,
    say: Say,
    tell: Callable[[Run], None],
    cancelled: Callable[[], bool],
) -> Record:
    events = read(settings.pipeline.data_file, max(case.events for case in cases(options)))
    record = Record(time.time(), machine(), versions(settings), ())
    try:
        for number, case in enumerate(_turns(options)):
            if number:
                time.sleep(PAUSE)
            done = run(settings, traces, case, events.take(slice(case.events)), say, cancelled)
            record = replace(record, runs=(*record.runs, done))
            tell(done)
            if options.ramp and not done.sustained:
                break
    finally:
        if record.runs:
            append_record(settings.home, record)
    return record


def cases(options: Options) -> list[Case]:
    """Every case once."""
    if options.ramp:
        start, end, step = options.ramp
        return [
            Case(count, rate * RAMP_SECONDS, Mode.LIVE, rate=rate)
            for count in options.partitions
            for rate in range(start, end + 1, step)
        ]
    return [
        Case(count, limit, options.mode, options.order, options.rate)
        for limit, count in product(options.limits, options.partitions)
    ]


def summaries(runs: Sequence[Run]) -> list[Summary]:
    """What the runs of each case say together, in the order in which the cases first came."""
    grouped: dict[Case, list[Run]] = {}
    for one in runs:
        # A run of doubled events reads more messages than it has events to send: the order tells them apart.
        case = Case(one.partitions, one.asked, one.mode, one.order, one.rate)
        grouped.setdefault(case, []).append(one)
    return [_summary(case, own) for case, own in grouped.items()]


def sustained_rate(runs: Sequence[Run]) -> float | None:
    """The highest rate of a ramp that was sustained; None: not even the first."""
    return max((one.rate for one in runs if one.sustained and one.rate), default=None)


def _summary(case: Case, runs: list[Run]) -> Summary:
    rates = [one.events_per_second for one in runs]
    return Summary(
        case,
        len(runs),
        min(rates),
        statistics.median(rates),
        max(rates),
        statistics.median(one.ratio_to_copy_limit for one in runs),
        limit=statistics.median(one.copy_limit_events_per_second for one in runs),
        cpu_us=_medians([{part: s / max(1, one.events) * 1e6 for part, s in one.cpu.items()} for one in runs]),
        latency_ms=_medians([one.latency_ms for one in runs]),
        peak_rss_bytes=max(one.peak_rss_bytes for one in runs),
        sustained=all(one.sustained for one in runs),
        verified=all(one.verified for one in runs),
    )


def _medians(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    """By name, of those that have it."""
    names = dict.fromkeys(name for one in figures for name in one)
    return {name: statistics.median(one[name] for one in figures if name in one) for name in names}


def _turns(options: Options) -> Iterator[Case]:
    for _ in range(options.runs):
        yield from cases(options)


def _ready(settings: Settings, say: Say) -> Settings:
    """The servers run, no worker does, and there is a file, which can be read."""
    busy = [worker.name for worker in local_workers(settings) if worker.under_way]
    if busy:
        raise ClickstreamError(
            f"{', '.join(busy)} would share the machine with the benchmark",
            hint="stop them first: `clickstream producer stop`, `clickstream consumer stop`",
        )
    if settings.pipeline.data_file.exists():
        refuse_unreadable(settings.pipeline.data_file)
    if settings.embedded:
        say("starting Kafka, PostgreSQL and Valkey", 0, 0)
        stack.up(settings.home, progress=lambda state: say("downloading", state.bytes_done, state.bytes_total))
        settings = load_settings()
    file = settings.pipeline.data_file
    if not file.exists():
        generate(file, progress=lambda done, total: say(f"generating {file}", done, total))
    return settings
