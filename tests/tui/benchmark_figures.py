"""Frozen benchmarks: a whole matrix, random order, a ramp that ends where the consumers fall behind."""

from __future__ import annotations

from pathlib import Path

from clickstream.actions.benchmark.history import Record, append_record
from clickstream.actions.benchmark.load import Mode, Order
from clickstream.actions.benchmark.run import Run
from clickstream.config.paths import Home
from tests.changing import replace
from tests.tui.frames import NOW

MACHINE = {
    "cpu": "AMD EPYC 7B13 64-Core Processor",
    "cores": 2,
    "memory_bytes": 8 << 30,
    "system": "Linux x86_64",
}

VERSIONS = {
    "clickstream": "0.1.0",
    "commit": "43aef00d1e2f",
    "python": "3.11.9",
    "kafka": "4.2.0",
    "postgresql": "18.6",
}

EVENTS = (100_000, 250_000, 500_000, 1_000_000, 2_000_000)


def drain(partitions: int, events: int, rate: float, limit: float, order: Order = Order.SORTED) -> Run:
    seconds, us = events / rate, 1e6 / rate
    return Run(
        partitions=partitions,
        events=events,
        seconds=round(seconds, 3),
        events_per_second=rate,
        cpu_seconds=round(events * 6.1e-6, 3),
        peak_rss_bytes=118_000_000 + 9_000_000 * partitions,
        copy_limit_events_per_second=limit,
        ratio_to_copy_limit=round(rate / limit, 3),
        mode=Mode.DRAIN,
        order=order,
        rate=None,
        asked=events,
        stored=events - events // 6_000,
        sessions=events * 64 // 100,
        verified=True,
        cpu={part: events * share * us * 1.8e-6 for part, share in PARTS.items()},
    )


PARTS = {"consumers": 0.38, "kafka": 0.19, "postgresql": 0.43}


def live(rate: int, p99: float, *, sustained: bool = True) -> Run:
    run = drain(3, rate * 10, float(rate), 466_000.0)
    latency = {"p50": p99 / 4, "p95": p99 / 1.6, "p99": p99}
    return replace(run, mode=Mode.LIVE, rate=float(rate), latency_ms=latency, sustained=sustained)


def matrix() -> Record:
    """Five numbers of events, one to six partitions, three runs of each."""
    runs = []
    for turn in (-1, 0, 1):
        for at, events in enumerate(EVENTS):
            for partitions in range(1, 7):
                limit = 292_000.0 + 98_000 * min(partitions - 1, 2) - 11_000 * max(0, partitions - 3) - 4_000 * at
                share = 0.71 - 0.035 * min(partitions - 1, 3) - 0.02 * max(0, partitions - 4) - (0.12 if at == 0 else 0)
                runs.append(drain(partitions, events, round(limit * share * (1 + 0.04 * turn)), limit))
    return Record(NOW - 3_600, MACHINE, VERSIONS, tuple(runs))


def shuffled() -> Record:
    runs = tuple(drain(n, 1_000_000, 101_000.0 + 40_000 * n, 292_000.0 + 90_000 * n, Order.RANDOM) for n in (1, 2, 3))
    broken = replace(drain(3, 1_000_000, 198_000.0, 470_000.0, Order.RANDOM), verified=False, cpu={})
    return Record(NOW - 40_000, MACHINE, {**VERSIONS, "commit": ""}, (*runs[:2], broken))


def ramp() -> Record:
    runs = [live(rate, 38 + rate / 2_500) for rate in range(20_000, 120_000, 20_000)]
    return Record(NOW - 172_800, MACHINE, VERSIONS, (*runs, live(120_000, 2_940, sustained=False)))


def write(home: Path) -> None:
    """Into the home's history, the oldest first."""
    for record in (ramp(), shuffled(), matrix()):
        append_record(Home(home), record)
