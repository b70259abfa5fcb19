"""Builds a Frame from the latest answers, and remembers what it needs of the past: rates, trends, history.

Used by one thread. Sends no requests.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from clickstream.actions.observe.answers import Answers
from clickstream.actions.observe.arrivals import Arrivals
from clickstream.actions.observe.index_lag import shown_lag
from clickstream.actions.observe.journal import compare_obstacles, compare_services, joined
from clickstream.actions.observe.judge import Judge, Reading
from clickstream.actions.observe.model import (
    DOWN,
    SILENT,
    TITLES,
    Frame,
    History,
    IndexLag,
    JournalEntry,
    Latency,
    Outcomes,
    PartitionRow,
    ProcessRow,
    ProducerRow,
    ServiceRow,
)
from clickstream.actions.observe.offsets import PartitionOffsets, positions
from clickstream.actions.observe.outcomes import Lives, OutcomeMeter, totals
from clickstream.actions.observe.percentiles import LatencyMeter
from clickstream.actions.observe.poll import PollResult
from clickstream.actions.observe.processes import consumer_lives, owners_of, process_rows
from clickstream.actions.observe.services import addresses, service_rows
from clickstream.actions.observe.sources import (
    KafkaAnswer,
    LiveSettings,
    PostgresAnswer,
)
from clickstream.actions.observe.verified import LastVerification
from clickstream.config.settings import Settings
from clickstream.domain.obstacles import Obstacle, PartitionProgress, Surroundings, held_back, obstacles
from clickstream.domain.processes import ALIVE, ProcessState, Role, Snapshot
from clickstream.domain.reports import WorkerState

KEPT = 300
"""Seconds of history."""

HOUR_EVERY, HOUR_KEPT = 10.0, 360

RATES_OVER = 3.0
"""Seconds over which rates are taken: commits come in batches."""

MOST_ENTRIES = 200

SURROUNDINGS_COUNT_FOR = 30.0
"""Seconds after which what was around the topic is not known any more."""


class _PartitionSurroundings(msgspec.Struct, frozen=True):
    """What concerns partitions of what is around the topic."""

    held: Mapping[int, int]
    """Where an open transaction holds messages back: the offset from which on."""
    foreign: Mapping[int, str]
    """Who has them and is not a worker of ours."""


class OffsetRates:
    """Offsets over time, as rates."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Mapping[int, int]]] = deque()

    def sample(self, at: float, offsets: Mapping[int, int]) -> None:
        """`at`: seconds of the monotonic clock; a sample that was taken already is not taken twice."""
        if self._samples and self._samples[-1][0] >= at:
            return
        self._samples.append((at, offsets))
        while len(self._samples) > 2 and at - self._samples[1][0] >= RATES_OVER:
            self._samples.popleft()

    def forget(self) -> None:
        self._samples.clear()

    def rate(self, partition: int, now: float) -> float | None:
        """Messages a second; None: not known (one sample only, or the last one is old)."""
        if len(self._samples) < 2 or now - self._samples[-1][0] > RATES_OVER * 2:
            return None
        (first_at, first), (last_at, last) = self._samples[0], self._samples[-1]
        if partition not in last:
            return None
        return max(0.0, (last[partition] - first.get(partition, last[partition])) / (last_at - first_at))


class _HistoryBuffers(msgspec.Struct):
    """The ring buffers behind History."""

    rows: deque[tuple[float, ...]] = msgspec.field(default_factory=lambda: deque(maxlen=KEPT))
    hour: deque[tuple[float, tuple[int, ...]]] = msgspec.field(default_factory=lambda: deque(maxlen=HOUR_KEPT))
    rates: dict[str, deque[float]] = msgspec.field(default_factory=dict)

    def view(self) -> History:
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * 6
        at, produced, stored, lag, active, not_new = (tuple(column) for column in columns)
        return History(at, produced, stored, lag, active, tuple(self.hour), not_new)


class _Flows(msgspec.Struct, frozen=True):
    """What flows, a second."""

    produced: float | None
    read: float | None
    outcomes: Outcomes[float] | None

    @property
    def stored(self) -> float | None:
        return self.outcomes.stored if self.outcomes else None

    def fields(self) -> dict[str, Any]:
        """Those of a Frame."""
        rates = {"produced_per_second": self.produced, "read_per_second": self.read, "stored_per_second": self.stored}
        return {**rates, "outcomes": self.outcomes}

    @property
    def not_new(self) -> float | None:
        return self.outcomes.duplicates + self.outcomes.rejected if self.outcomes else None


class FrameBuilder:
    """Makes one frame after the other."""

    def __init__(self, settings: LiveSettings) -> None:
        self._live = settings
        self._in, self._out = OffsetRates(), OffsetRates()
        self._arrivals = Arrivals()
        self._judges: dict[int, Judge] = {}
        self._latency = LatencyMeter()
        self._outcomes = OutcomeMeter()
        self._past = _HistoryBuffers()
        self._verified = LastVerification()
        self._topic_id: str | None = None
        self._partitions: tuple[PartitionRow, ...] = ()
        self._surroundings: Surroundings | None = None
        self._obstacles: tuple[Obstacle, ...] = ()
        self._positions: PollResult[PostgresAnswer] = PollResult()
        self._percentiles: Latency | None = None
        self._outcome_rates: Outcomes[float] | None = None
        self._entries: deque[JournalEntry] = deque(maxlen=MOST_ENTRIES)
        self._last: Frame | None = None

    def publish(self, entries: list[JournalEntry]) -> None:
        """Add what happened."""
        for entry in entries:
            both = joined(self._entries[0], entry) if self._entries else None
            if both:
                self._entries[0] = both
            else:
                self._entries.appendleft(entry)

    def build(self, answers: Answers, *, tick: bool = True) -> Frame:
        """The frame of now, made of what every source last said.

        `tick`: a second has passed: look at rates, states and history too. Else only processes and services are new.
        """
        now, settings = time.time(), self._live.current
        services = self._services(answers, now)
        processes = process_rows(answers, self._past.rates, now, tick=tick)
        lives = consumer_lives(answers)
        if tick or not self._partitions:
            self._sample(answers, processes, lives, now)
        flows, lag, active = self._flowing(answers, processes, now, tick=tick)
        self._last = Frame(
            at=now,
            **_about(settings),
            supervisor=answers.snapshot is not None,
            services=services,
            processes=_agreeing(processes, services, self._partitions),
            **_topic(answers.kafka.value),
            partitions=self._partitions,
            **flows.fields(),
            outcome_totals=totals(lives),
            lag=lag,
            indexing=self._indexing(answers, processes),
            surroundings=self._surroundings,
            obstacles=self._obstacles,
            active_sessions=active,
            counts=answers.counts,
            analytics=answers.analytics,
            top_items=answers.top_items,
            latency=self._percentiles,
            producer=_producer(answers.snapshot),
            verification=self._verified.current(answers),
            happenings=tuple(self._entries),
            history=self._past.view(),
            problem=self._live.problem,
        )
        return self._last

    def _services(self, answers: Answers, now: float) -> tuple[ServiceRow, ...]:
        """How the servers stand; what changed since the frame before is told."""
        before = self._last.services if self._last else ()
        services = service_rows(self._live.current, answers, before, now)
        if self._last:
            self.publish(list(compare_services(before, services, now)))
        return services

    def _indexing(self, answers: Answers, processes: tuple[ProcessRow, ...]) -> IndexLag | None:
        group = self._live.current.opensearch.consumer_group_id
        return shown_lag(group, answers.kafka.value, processes, answers.surroundings.value)

    def _flowing(
        self, answers: Answers, processes: tuple[ProcessRow, ...], now: float, *, tick: bool
    ) -> tuple[_Flows, int | None, int]:
        """What flows, lag, open sessions; remembered at every tick, a lag only where it is known."""
        read = self._total(self._out)
        # Where nothing is read, every outcome is 0, even if a worker has not reported.
        flows = _Flows(self._total(self._in), read, self._outcome_rates if read != 0 else Outcomes(0.0, 0.0, 0.0, 0.0))
        lag = sum(row.lag for row in self._partitions) if self._partitions else None
        active = sum(row.report.active_sessions for row in processes if row.report and row.state in ALIVE)
        if tick:
            # Ends that are old say nothing of what waits now; positions that are old say how much waits at most.
            ends_known = now - answers.kafka.at <= answers.silent_after
            self._remember(now, flows, lag if ends_known else None, active)
        return flows, lag, active

    def _sample(self, answers: Answers, processes: tuple[ProcessRow, ...], lives: Lives, now: float) -> None:
        owners = owners_of(processes, Role.CONSUMER)
        self._outcome_rates = self._outcomes.sample(now, lives)
        self._percentiles = self._latency.sample(now, _histograms(answers.snapshot))
        kafka, postgres = answers.kafka.value, answers.postgres.value
        if kafka is None or kafka.topic_id is None:
            self._partitions = ()
            return
        if kafka.topic_id != self._topic_id:
            self._topic_id = kafka.topic_id
            self._judges.clear()
            self._in.forget()
            self._out.forget()
            self._arrivals = Arrivals(kafka.arrivals)
        self._in.sample(kafka.read_at, kafka.ends)
        self._arrivals.sample(answers.kafka.at, kafka.ends)
        if postgres is not None:
            self._out.sample(postgres.read_at, self._positions_in(postgres, kafka))
            if postgres.read_at <= kafka.read_at:
                self._positions = answers.postgres
        # Else these ends are older than those positions, and the positions before them belong to the ends.
        if self._positions.value is None:
            self._partitions = ()
            return
        at = self._positions_in(self._positions.value, kafka)
        self._arrivals.forget_before(at)
        ages = {p: _commit_age(postgres, kafka.topic_id, p, time.monotonic()) for p in kafka.ends}
        progress = {p: PartitionProgress(at[p], end, ages[p]) for p, end in sorted(kafka.ends.items())}
        around = self._around(answers.surroundings, progress, now)
        rows = [self._row(p, kafka, answers.kafka.at, one, (owners.get(p), around)) for p, one in progress.items()]
        self._partitions = _with_shares(rows, min(answers.kafka.at, self._positions.at))

    def _around(
        self, result: PollResult[Surroundings | None], progress: dict[int, PartitionProgress], now: float
    ) -> _PartitionSurroundings:
        """What is around the topic. What is old, or of a topic of that name before, is not shown."""
        found = result.value
        if found is None or found.topic_id != self._topic_id or now - result.at > SURROUNDINGS_COUNT_FOR:
            self._surroundings, self._obstacles = None, ()
            return _PartitionSurroundings({}, {})
        self._surroundings = found
        before, self._obstacles = self._obstacles, obstacles(found, progress)
        self.publish(list(compare_obstacles(before, self._obstacles, now)))
        group = self._live.current.pipeline.consumer_group_id
        return _PartitionSurroundings(held_back(found, progress), found.foreign_owners(group))

    def _positions_in(self, postgres: PostgresAnswer, kafka: KafkaAnswer) -> dict[int, int]:
        """By partition of Kafka's topic; from where it begins to be read where nothing was committed."""
        stored = {p: one.next_offset for p, one in postgres.offsets.get(kafka.topic_id or "", {}).items()}
        return positions(stored, kafka.begins, kafka.ends, self._live.current.pipeline.auto_offset_reset)

    def _row(
        self,
        partition: int,
        kafka: KafkaAnswer,
        heard_at: float,
        at: PartitionProgress,
        who: tuple[ProcessRow | None, _PartitionSurroundings],
    ) -> PartitionRow:
        now, (owner, around) = time.monotonic(), who
        held_from = around.held.get(partition)
        reading = Reading(
            lag=PartitionOffsets(kafka.begins[partition], at.end, at.position).lag,
            rate_in=self._in.rate(partition, now),
            rate_out=self._out.rate(partition, now),
            owned=owner is not None,
            commit_age=at.commit_age,
            held=held_from is not None,
        )
        state, trend = self._judges.setdefault(partition, Judge()).judge(reading)
        return PartitionRow(
            partition=partition,
            begin=kafka.begins[partition],
            end=at.end,
            position=at.position,
            lag=reading.lag,
            rate_in=reading.rate_in or 0.0,
            rate_out=reading.rate_out or 0.0,
            trend=trend,
            seconds_to_drain=reading.drains_in,
            state=state,
            owner=owner.label if owner else None,
            silent=owner is not None and owner.activity == SILENT,
            share=0.0,
            commit_age=at.commit_age,
            as_of=0.0,
            seconds_behind=self._arrivals.waited(partition, at.position, heard_at) if reading.lag else 0.0,
            foreign_owner=None if owner else around.foreign.get(partition),
            held_from=held_from,
        )

    def _total(self, flow: OffsetRates) -> float | None:
        now = time.monotonic()
        rates = [flow.rate(row.partition, now) for row in self._partitions]
        known = [rate for rate in rates if rate is not None]
        return sum(known) if known else None

    def _remember(self, now: float, flows: _Flows, lag: int | None, active: int) -> None:
        figures = (flows.produced, flows.stored, lag, active, flows.not_new)
        self._past.rows.append((now, *map(_or_nan, figures)))
        hour, lags = self._past.hour, () if lag is None else tuple(row.lag for row in self._partitions)
        if lags and (not hour or now - hour[-1][0] >= HOUR_EVERY - 0.5):
            hour.append((now, lags))
        elif lags and len(lags) == len(hour[-1][1]):  # a peak between two points counts as well
            hour[-1] = (hour[-1][0], tuple(map(max, hour[-1][1], lags)))


def _agreeing(
    processes: tuple[ProcessRow, ...], services: tuple[ServiceRow, ...], partitions: tuple[PartitionRow, ...]
) -> tuple[ProcessRow, ...]:
    """Processes as the services and the partitions have it: one frame holds one truth."""
    down = {row.name: row.error for row in services if row.state is DOWN}
    lags = {row.partition: row.lag for row in partitions}
    needed = next((row for row in services if row.name in {"kafka", "postgresql"} and row.silent), None)

    def agreeing(row: ProcessRow) -> ProcessRow:
        if row.role == Role.SERVER and row.name in down and row.state == ProcessState.RUNNING:
            return replace(row, activity=SILENT, detail=down[row.name])
        if row.role == Role.CONSUMER and row.partitions and lags.keys() >= set(row.partitions):
            row = replace(row, lag=sum(lags[partition] for partition in row.partitions))
        concerned = needed is not None and (row.lag or needed.name == "kafka")
        if (
            needed
            and concerned
            and row.role == Role.CONSUMER
            and row.activity in {WorkerState.RUNNING, WorkerState.IDLE}
        ):
            # Its fetch or its commit hangs, of which it says nothing.
            return replace(row, activity=WorkerState.WAITING, detail=f"{TITLES[needed.name]} does not answer")
        return row

    return tuple(map(agreeing, processes))


def _about(settings: Settings) -> dict[str, Any]:
    """What the frame is about, by the settings alone."""
    return {
        "home": str(settings.home.root),
        "embedded": settings.embedded,
        "addresses": addresses(settings),
        "configured": settings.kafka is not None,
        "topic": settings.kafka.events_topic if settings.kafka else "",
        "data_file": settings.pipeline.data_file.name,
    }


def _topic(kafka: KafkaAnswer | None) -> dict[str, Any]:
    """What is known of the topic by Kafka alone."""
    if kafka is None:
        return {}
    return {
        "topic_exists": kafka.topic_id is not None,
        "topic_offsets": tuple((p, kafka.begins[p], end) for p, end in sorted(kafka.ends.items())),
    }


def _with_shares(rows: list[PartitionRow], as_of: float) -> tuple[PartitionRow, ...]:
    flowing = sum(row.rate_in for row in rows)
    held = sum(row.end - row.begin for row in rows)
    shares = [row.rate_in / flowing if flowing else (row.end - row.begin) / held if held else 0.0 for row in rows]
    return tuple(replace(row, share=share, as_of=as_of) for row, share in zip(rows, shares, strict=True))


def _commit_age(postgres: PostgresAnswer | None, topic_id: str | None, partition: int, now: float) -> float | None:
    stored = postgres.offsets.get(topic_id or "", {}).get(partition) if postgres else None
    return stored.age_seconds + (now - postgres.read_at) if stored and postgres else None


def _histograms(snapshot: Snapshot | None) -> dict[str, tuple[int, ...]]:
    consumers = snapshot.of(Role.CONSUMER) if snapshot else ()
    return {f"{c.name} {c.started_at}": c.report.latency_counts for c in consumers if c.report}


def _producer(snapshot: Snapshot | None) -> ProducerRow | None:
    process = next(iter(snapshot.of(Role.PRODUCER)), None) if snapshot else None
    if snapshot is None or process is None:
        return None
    report = process.report
    counters = report.counters if report else {}
    taken = [one.report.newest_event_ms for one in (process, *snapshot.of(Role.CONSUMER)) if one.report]
    return ProducerRow(
        state=process.state,
        sent=report.events if report else 0,
        total=counters.get("total", 0),
        rate=report.events_per_second if report and process.state in ALIVE else 0.0,
        failed=counters.get("failed", 0),
        bad_lines=counters.get("bad_lines", 0),
        newest_event_ms=max((newest for newest in taken if newest is not None), default=None),
        activity=report.state if report and process.state in ALIVE else "",
        pace=report.pace if report else "",
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
