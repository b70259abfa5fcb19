"""Frozen frames of every state that matters, one clock for all of them, and a source that hands them to the app."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clickstream.actions.analytics import Analytics, Funnel
from clickstream.actions.observe.model import (
    BAD,
    DOWN,
    GOOD,
    INFO,
    LAGGING,
    OFF,
    OK,
    SILENT,
    STALLED,
    STOPPED,
    UP,
    Figure,
    Frame,
    History,
    JournalEntry,
    Latency,
    Outcomes,
    PartitionRow,
    ProcessRow,
    ProducerRow,
    ServiceRow,
    StoredCounts,
)
from clickstream.config.paths import Home
from clickstream.config.settings import OpenSearchSettings, PipelineSettings, Settings
from clickstream.domain.obstacles import ForeignMember, PartitionProgress, Surroundings, obstacles
from clickstream.domain.reports import WorkerReport
from clickstream.services.postgres.analytics import TopItem
from clickstream.services.postgres.verify import Verification
from tests.changing import replace

NOW = 1_748_520_041.0
"""12:00:41 UTC on a Thursday in May."""

BROKEN_AT = NOW - 29


class FakeSource:
    """A FrameSource that gives what `push` is handed, and remembers what it was asked to do."""

    def __init__(self, *frames: Frame) -> None:
        self.settings = Settings(
            home=Home(Path("clickstream-home")),
            embedded=True,
            kafka=None,
            postgres=None,
            valkey=None,
            opensearch=OpenSearchSettings(),
            pipeline=PipelineSettings(),
            sources={},
        )
        self.told: list[JournalEntry] = []
        self.verifications: list[Verification] = []
        self.asked = 0
        self._frames = list(frames)
        self._more = threading.Condition()
        self._stopped = False

    def push(self, frame: Frame) -> None:
        with self._more:
            self._frames.append(frame)
            self._more.notify_all()

    def frames(self) -> Iterator[Frame]:
        while True:
            with self._more:
                self._more.wait_for(lambda: self._frames or self._stopped)
                if self._stopped:
                    return
                frame = self._frames.pop(0)
            yield frame

    def publish(self, entries: list[JournalEntry]) -> None:
        self.told += entries

    def verified(self, verification: Verification) -> None:
        self.verifications.append(verification)

    def ask_now(self) -> None:
        self.asked += 1

    def stop(self) -> None:
        with self._more:
            self._stopped = True
            self._more.notify_all()


def empty() -> Frame:
    """Nothing configured, nothing running."""
    never = "not configured, and the embedded stack was never started"
    return Frame(at=NOW, data_file="events.csv", services=_services(OFF, error=never))


def running() -> Frame:
    """A demo in the middle: three consumers keep up, one partition is hot."""
    partitions = tuple(
        _partition(number, lag, rate, share)
        for number, (lag, rate, share) in enumerate([(12_104, 19_800.0, 0.31), (10_911, 19_600.0, 0.30)])
    )
    hot = replace(_partition(2, 33_020, 19_500.0, 0.39), state=LAGGING, trend="growing", rate_in=24_100.0)
    hot = replace(hot, seconds_to_drain=None)
    return Frame(
        at=NOW,
        embedded=True,
        configured=True,
        supervisor=True,
        topic="clickstream-events",
        data_file="events.csv",
        services=_services(UP),
        processes=(*_servers(), _producer(), *(_consumer(number) for number in range(3))),
        topic_exists=True,
        topic_offsets=tuple((row.partition, row.begin, row.end) for row in (*partitions, hot)),
        partitions=(*partitions, hot),
        produced_per_second=61_200.0,
        **_read(58_900.0),
        outcome_totals=Outcomes(1_200_000, 459, 3, 36),
        lag=56_035,
        active_sessions=1_204,
        counts=Figure(StoredCounts(1_200_412, 660_412, 3, rejected_lines=2), NOW - 1),
        analytics=Figure(_analytics(), NOW - 1),
        top_items=Figure(_analytics().top_items, NOW - 1),
        latency=Latency(41.0, 120.0, 180.0, 4_200),
        producer=ProducerRow("running", 1_211_000, 2_756_101, 61_200.0, 0, 2, 1_435_570_000_000, pace="full speed"),
        verification=Figure(Verification(1_200_412, 660_412, 660_412, 0, 0, 0, 0), NOW - 95),
        happenings=(
            JournalEntry(NOW - 20, INFO, "consumer-0, consumer-1, consumer-2 started"),
            JournalEntry(NOW - 42, INFO, "demo started", mark=True),
        ),
        history=_history(),
    )


def obstructed() -> Frame:
    """A foreign client has a partition, and an open transaction holds back another one; the consumers are idle."""
    frame = running()
    foreign = {"group": (ForeignMember("group", "reporting-app", "10.0.0.9", (0,)),)}
    around = Surroundings(frame.topic, "id", {}, foreign, {1: frame.partitions[1].position}, {1: "billing"})
    other, held, last = frame.partitions
    progress = {row.partition: PartitionProgress(row.position, row.end, 60.0) for row in frame.partitions}
    idle = {"rate_in": 0.0, "rate_out": 0.0, "trend": "steady", "seconds_to_drain": None}
    other = replace(other, state=STOPPED, owner=None, foreign_owner="reporting-app on 10.0.0.9", **idle)
    held = replace(held, state=LAGGING, held_from=held.position, **idle)
    last = replace(last, state=OK, lag=0, position=last.end, **idle)
    consumers = [_idle(_consumer(number), partitions) for number, partitions in enumerate([(), (1,), (2,)])]
    return replace(
        frame,
        processes=(*_servers(), *consumers),
        partitions=(other, held, last),
        obstacles=obstacles(around, progress),
        produced_per_second=0.0,
        **_read(0.0),
    )


def _idle(row: ProcessRow, partitions: tuple[int, ...]) -> ProcessRow:
    report = replace(row.report, stages={"idle": 1.0}) if row.report else None
    return replace(row, activity="idle", rate=0.0, partitions=partitions, lag=0, report=report)


def worker_dead() -> Frame:
    """consumer-1 was killed and waits for its restart."""
    frame = running()
    dead = replace(
        _consumer(1), state="backoff", activity="", pid=None, rate=0.0, partitions=(), lag=None, restarts=1,
        rates=(0.0,) * 15 + _wave(41, 19_800.0) + (0.0,) * 4, cpu_percent=0.0, rss_bytes=0, uptime_seconds=0.0,
        exit_reason="killed by SIGKILL",
    )  # fmt: skip
    processes = tuple(dead if row.name == "consumer-1" else row for row in frame.processes)
    stopped = replace(frame.partitions[1], state=STOPPED, owner=None, rate_out=0.0, lag=48_220, trend="growing")
    stopped = replace(stopped, seconds_to_drain=None)
    return replace(
        frame,
        processes=processes,
        partitions=(frame.partitions[0], stopped, frame.partitions[2]),
        **_read(39_300.0),
        lag=93_344,
        happenings=(JournalEntry(NOW - 1, BAD, "consumer-1 died: killed by SIGKILL", mark=True), *frame.happenings),
    )


def service_gone() -> Frame:
    """PostgreSQL has not answered for twelve seconds; its figures are old."""
    frame = running()
    gone = replace(
        frame.service("postgresql"), state=DOWN, since=NOW - 12, latency_ms=None,
        error="PostgreSQL does not answer: connection refused",
    )  # fmt: skip
    waiting = "PostgreSQL does not answer: connection refused"
    consumers = tuple(replace(row, activity="waiting", detail=waiting, rate=0.0) for row in frame.workers("consumer"))
    others = tuple(
        replace(row, activity=SILENT, detail=waiting) if row.name == "postgresql" else row
        for row in frame.processes
        if row.role != "consumer"
    )
    return replace(
        frame,
        services=tuple(gone if row.name == "postgresql" else row for row in frame.services),
        processes=(*others, *consumers),
        partitions=tuple(
            replace(row, state=STALLED, rate_out=0.0, commit_age=12.2, seconds_behind=12.6, as_of=NOW - 12)
            for row in frame.partitions
        ),
        **_read(None),
        latency=None,
        counts=Figure(StoredCounts(1_200_412, 660_412, 3, rejected_lines=2), NOW - 14),
        analytics=Figure(_analytics(), NOW - 20),
        top_items=Figure(_analytics().top_items, NOW - 20),
        happenings=(JournalEntry(NOW - 12, BAD, "PostgreSQL does not answer", mark=True), *frame.happenings),
    )


def done() -> Frame:
    """The demo is over: all is stored and verified."""
    frame = running()
    partitions = tuple(
        replace(row, lag=0, rate_in=0.0, rate_out=0.0, state=OK, trend="steady", seconds_to_drain=0.0)
        for row in frame.partitions
    )
    idle = tuple(
        replace(row, activity="idle" if row.role == "consumer" else row.activity, rate=0.0) for row in frame.processes
    )
    finished = tuple(replace(row, state="finished") if row.role == "producer" else row for row in idle)
    return replace(
        frame,
        partitions=partitions,
        processes=finished,
        produced_per_second=0.0,
        **_read(0.0),
        lag=0,
        latency=None,
        producer=replace(frame.producer, state="finished", sent=2_756_101, rate=0.0) if frame.producer else None,
        history=_drained(frame.history),
        verification=Figure(Verification(2_756_101, 1_761_675, 1_761_675, 0, 0, 0, 0), NOW - 2),
        happenings=(JournalEntry(NOW - 2, GOOD, "verify ok: 1,761,675 sessions", mark=True), *frame.happenings),
    )


def again() -> Frame:
    """The same file is sent once more: all of it is read, and none of it is new."""
    frame = running()
    nothing = (0.0,) * 40
    history = replace(
        frame.history,
        stored=(*frame.history.stored[:-40], *nothing),
        not_new=(*(0.0,) * 260, *frame.history.stored[-40:]),
    )
    return replace(
        frame,
        stored_per_second=0.0,
        outcomes=Outcomes(0.0, 58_890.0, 10.0, 0.0),
        outcome_totals=Outcomes(1_200_000, 412_459, 13, 36),
        history=history,
    )


STATES = {
    "empty": empty,
    "running": running,
    "worker_dead": worker_dead,
    "service_gone": service_gone,
    "done": done,
}


def _read(rate: float | None) -> dict[str, Any]:
    """Messages a second that are read, all of them new events."""
    outcomes = None if rate is None else Outcomes(rate, 0.0, 0.0, 0.0)
    return {"read_per_second": rate, "stored_per_second": rate, "outcomes": outcomes}


def _services(state: str, error: str = "") -> tuple[ServiceRow, ...]:
    known: dict[str, tuple[Any, Any]] = {
        "kafka": ("4.2.0", 1.2),
        "postgresql": ("18.6", 0.4),
        "valkey": ("9.1.2", 0.2),
    }
    rows = [
        ServiceRow(name, state, NOW - 300, *(figures if state == UP else (None, None)), error=error)
        for name, figures in known.items()
    ]
    return (*rows, ServiceRow("opensearch", OFF, NOW - 300, error="off"))


def _servers() -> tuple[ProcessRow, ...]:
    sizes = {"kafka": 412_000_000, "postgresql": 96_000_000, "valkey": 9_400_000}
    return tuple(
        ProcessRow(
            name, "server", "here", local=True, pid=4_100 + index, state="running", cpu_percent=8.0 * index,
            rss_bytes=size, uptime_seconds=300.0,
        )
        for index, (name, size) in enumerate(sizes.items())
    )  # fmt: skip


def _producer() -> ProcessRow:
    report = WorkerReport(at=NOW, state="running", events=1_211_000, counters={"total": 2_756_101, "failed": 0})
    return ProcessRow(
        "producer", "producer", "here", local=True, pid=4_201, state="running", activity="running", rate=61_200.0,
        rates=(0.0,) * 18 + _wave(42, 61_200.0), cpu_percent=96.0, rss_bytes=310_000_000, uptime_seconds=42.0,
        report=report,
    )  # fmt: skip


def _consumer(number: int) -> ProcessRow:
    report = WorkerReport(
        at=NOW, state="running", partitions=(number,), events=400_000, active_sessions=401 + number,
        counters={"stored": 400_000, "late": 12, "duplicates": 153, "rejected": 1, "batches": 40}, batch_fill=0.6,
        stages={"fetch": 0.1, "decode": 0.2, "sessions": 0.3, "postgresql": 0.7, "idle": 0.1},
    )  # fmt: skip
    return ProcessRow(
        f"consumer-{number}", "consumer", "here", local=True, pid=4_210 + number, state="running", activity="running",
        partitions=(number,), rate=19_800.0 - 150 * number, rates=(0.0,) * 19 + _wave(41, 19_800.0),
        lag=12_000 + 400 * number, cpu_percent=61.0 + number, rss_bytes=142_000_000, uptime_seconds=41.0, report=report,
    )  # fmt: skip


def _partition(number: int, lag: int, rate: float, share: float) -> PartitionRow:
    return PartitionRow(
        partition=number, begin=0, end=412_104 + number, position=412_104 + number - lag, lag=lag,
        rate_in=rate - 900, rate_out=rate, trend="shrinking" if number == 0 else "steady",
        seconds_to_drain=lag / 900, state=OK, owner=f"consumer-{number}", share=share, commit_age=0.2, as_of=NOW - 0.4,
        seconds_behind=round(lag / rate, 1),
    )  # fmt: skip


def _analytics() -> Analytics:
    month = Funnel(120_300, 4_400, 1_420, 1_700, 1.18, 67.7, 1.4)
    day = Funnel(4_210, 160, 52, 60, 1.24, 67.5, 1.3)
    items = tuple(TopItem(400_000 + n, 900 - 40 * n, 60 - 2 * n, 12 - n) for n in range(10))
    return Analytics(Funnel(660_412, 25_710, 8_013, 9_100, 1.21, 68.8, 1.5), day, month, items)


def _history() -> History:
    at = tuple(NOW - 299 + second for second in range(300))
    flowing = [second >= 258 - 60 for second in range(300)]
    produced = tuple(value if on else 0.0 for value, on in zip(_wave(300, 61_000.0), flowing, strict=True))
    stored = tuple(value if on else 0.0 for value, on in zip(_wave(300, 58_000.0, 1.3), flowing, strict=True))
    lag = tuple(
        round(560 * (second - 198) * (1 + 0.1 * math.sin(second / 5))) if on else 0.0
        for second, on in enumerate(flowing)
    )
    active = tuple(1_204.0 * (1 - math.exp((198 - second) / 30)) if on else 0.0 for second, on in enumerate(flowing))
    hour = tuple(
        (NOW - 3_600 + 10 * n, tuple(_past_lag(n, last) for last in (12_104, 10_911, 33_020))) for n in range(360)
    )
    return History(at, produced, stored, lag, active, hour)


def _drained(history: History) -> History:
    """All came to its end ten seconds ago."""
    nothing = (0.0,) * 10
    return replace(
        history,
        produced=(*history.produced[:-14], *(0.0,) * 14),
        stored=(*history.stored[:-10], *nothing),
        lag=(*history.lag[:-14], 30_000.0, 18_000.0, 9_000.0, 2_000.0, *nothing),
        hour=(*history.hour[:-1], (history.hour[-1][0], (0, 0, 0))),
    )


def _past_lag(n: int, last: int) -> int:
    """A run half an hour ago that was drained, and the one of now; `n`: tens of seconds."""
    if 90 <= n < 210:
        return round(1.1 * last * math.sin(math.pi * (n - 90) / 120) ** 0.6)
    return round(last * (n - 347) / 12) if n > 347 else 0


def _wave(count: int, height: float, phase: float = 0.0) -> tuple[float, ...]:
    return tuple(round(height * (0.85 + 0.15 * math.sin(n / 7 + phase)), 1) for n in range(count))
