"""How far the consumers are behind, partition by partition, and whether they catch up."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace

from clickstream.actions.group import Worker, local_workers, remote_workers, snapshot_of
from clickstream.actions.lag.indexers import IndexLag, index_lag
from clickstream.actions.lag.surroundings import LOOK_WITHIN, look_around, progress_of
from clickstream.actions.servers import Questions, kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.obstacles import Obstacle, Surroundings, held_back, obstacles
from clickstream.domain.processes import Role
from clickstream.services.kafka.admin import OffsetReader, TopicInfo
from clickstream.services.kafka.group import GroupReader
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.inspect import StoredOffset, read_offsets

OK, WARN, STALLED = "OK", "WARN", "STALLED"

STALLED_AFTER = 10.0
"""Seconds without a commit while messages wait."""

SLOW_CATCH_UP = 60.0
"""Seconds to catch up that are worth a warning."""

IN_STEP = 2.0
"""Seconds' worth of what is stored a second: a lag up to that is the batch under way."""

STEADY_SHARE = 0.05
"""A lag that changes by less than this share of itself, or of what comes in, a second is steady."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition. Rates are messages a second between two samples."""

    partition: int
    position: int
    """The offset in PostgreSQL: what is before it is stored."""
    end: int
    lag: int
    trend: str
    """`growing`, `shrinking` or `steady`."""
    rate_in: float
    rate_out: float
    seconds_to_catch_up: float | None
    """None: never, at these rates."""
    state: str
    """`OK`; `WARN`: they come in faster than they are stored, or it will take long, or an open transaction holds them
    back; `STALLED`: nobody stores them."""
    owner: str | None
    """The worker that has it, with its host where that is not of this home; None where that is not known."""
    foreign_owner: str | None = None
    """The member of the consumers' group that has it and is not a worker of clickstream."""
    held_from: int | None = None
    """The offset from which on another producer's open transaction holds messages back; None: none does."""


@dataclass(frozen=True, slots=True)
class Lag:
    """All partitions of the topic."""

    topic: str
    total: int
    partitions: tuple[PartitionLag, ...]
    opensearch: IndexLag | None = None
    """That of the indexers; None where OpenSearch is not enabled."""
    obstacles: tuple[Obstacle, ...] = ()
    """What in Kafka keeps messages from being stored."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Offsets at one instant: the ends at `at`, the positions just before. So a lag of 0 is true."""

    at: float
    """Seconds of a monotonic clock."""
    topic: TopicInfo
    ends: dict[int, int]
    begins: dict[int, int]
    positions: dict[int, int]
    ages: dict[int, float]
    """Seconds since the partition's last commit; absent: it never committed."""
    indexed: dict[int, int] | None = None
    """The positions of the indexers; None where OpenSearch is not enabled."""

    def lag(self, partition: int) -> int:
        return max(0, self.ends[partition] - self.positions[partition])

    @property
    def total(self) -> int:
        return sum(self.lag(partition) for partition in self.ends)


class LagMeter:
    """Takes samples over connections that it keeps; use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kafka = kafka_of(settings)
        self._reader = OffsetReader(self._kafka)
        search = settings.opensearch
        self._indexers = GroupReader(self._kafka, search.consumer_group_id) if search.enabled else None
        try:
            self._connection = connect(postgres_of(settings), application_name="clickstream lag")
        except BaseException:
            self._close_readers()
            raise

    def __enter__(self) -> LagMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_readers()
        self._connection.close()

    def _close_readers(self) -> None:
        self._reader.__exit__(None, None, None)
        if self._indexers is not None:
            self._indexers.__exit__(None, None, None)

    def sample(self) -> Sample:
        """Raises ClickstreamError when the topic is missing or a server does not answer."""
        topic = self._reader.describe(self._kafka.events_topic)
        if topic is None:
            raise missing_topic(self._kafka.events_topic)
        # Positions first: read after the ends, they might be beyond them, and what waits would count as nothing.
        stored = read_offsets(self._connection, topic=topic.name, topic_id=topic.topic_id)
        indexed = self._indexers.read(topic.topic_id, topic.partitions) if self._indexers else None
        held = self._reader.read(topic)
        begins = {partition: offsets.begin for partition, offsets in held.items()}
        ends = {partition: offsets.end for partition, offsets in held.items()}
        earliest = self._settings.pipeline.auto_offset_reset == "earliest"
        return Sample(
            at=time.monotonic(),
            topic=topic,
            ends=ends,
            begins=begins,
            positions={p: _position(stored.get(p), begins[p] if earliest else ends[p]) for p in ends},
            ages={p: offset.age_seconds for p, offset in stored.items()},
            indexed=indexed,
        )


def missing_topic(name: str) -> ClickstreamError:
    return ClickstreamError(
        f"topic {name} does not exist", hint="`clickstream consumer start` makes it, and so does `clickstream demo`"
    )


def measure(settings: Settings, *, apart: float = 1.0) -> Lag:
    """The lag now, with rates over `apart` seconds."""
    with LagMeter(settings) as meter:
        around = Questions([("surroundings", lambda: look_around(settings))])
        first = meter.sample()
        time.sleep(apart)
        second = meter.sample()
    surroundings: Surroundings | None = None
    with suppress(ClickstreamError):  # Kafka tells no more of it: so much for that
        surroundings = around.answer("surroundings", LOOK_WITHIN + apart)
    found = compare(first, second, owners(settings))
    if surroundings is not None:
        found = _with_obstacles(found, second, surroundings, settings.pipeline.consumer_group_id)
    if second.indexed is None:
        return found
    behind = index_lag(
        settings.opensearch.consumer_group_id,
        second.indexed,
        second.begins,
        second.ends,
        owners(settings, Role.INDEXER),
        surroundings,
    )
    return replace(found, opensearch=behind)


def _with_obstacles(found: Lag, now: Sample, surroundings: Surroundings, group: str) -> Lag:
    progress, foreign = progress_of(now), surroundings.foreign_owners(group)
    held = held_back(surroundings, progress)
    partitions = tuple(
        replace(
            one,
            foreign_owner=None if one.owner else foreign.get(one.partition),
            held_from=held.get(one.partition),
            state=WARN if one.owner and one.partition in held else one.state,
        )
        for one in found.partitions
    )
    return replace(found, partitions=partitions, obstacles=obstacles(surroundings, progress))


def owners(settings: Settings, role: Role = Role.CONSUMER) -> dict[int, str]:
    """Partition to the worker that has it, as far as this home's supervisor and the notice board know."""
    local = local_workers(snapshot_of(settings))
    elsewhere: tuple[Worker, ...] = ()
    with suppress(ClickstreamError):  # without Valkey nothing is known of other hosts
        elsewhere = remote_workers(settings, local)
    return {
        partition: worker.name if worker.local else f"{worker.name} on {worker.host}"
        for worker in (*elsewhere, *local)
        if worker.role == role
        for partition in worker.partitions
    }


def compare(before: Sample, now: Sample, owned: dict[int, str]) -> Lag:
    """The lag at `now`, with rates since `before`; a topic made anew in between counts as a first sample."""
    if before.topic.topic_id != now.topic.topic_id:
        before = now
    partitions = tuple(_partition(before, now, partition, owned.get(partition)) for partition in sorted(now.ends))
    return Lag(now.topic.name, now.total, partitions)


def _partition(before: Sample, now: Sample, partition: int, owner: str | None) -> PartitionLag:
    elapsed = now.at - before.at
    end, position, lag = now.ends[partition], now.positions[partition], now.lag(partition)
    rate_in = _rate(end - before.ends.get(partition, end), elapsed)
    rate_out = _rate(position - before.positions.get(partition, position), elapsed)
    growth = rate_in - rate_out
    catch_up = _catch_up(lag, growth)
    age = now.ages.get(partition)
    moving = rate_out > 0 or (owner is not None and (age is None or age < STALLED_AFTER))
    return PartitionLag(
        partition=partition,
        position=position,
        end=end,
        lag=lag,
        trend=_trend(max(lag, rate_in), growth),
        rate_in=round(rate_in, 1),
        rate_out=round(rate_out, 1),
        seconds_to_catch_up=catch_up,
        state=OK if lag <= IN_STEP * rate_out else _state(catch_up, moving=moving),
        owner=owner,
    )


def _position(stored: StoredOffset | None, start: int) -> int:
    return stored.next_offset if stored else start


def _rate(difference: int, elapsed: float) -> float:
    return max(0.0, difference / elapsed) if elapsed > 0 else 0.0


def _trend(scale: float, growth: float) -> str:
    if abs(growth) <= max(1.0, STEADY_SHARE * scale):
        return "steady"
    return "growing" if growth > 0 else "shrinking"


def _catch_up(lag: int, growth: float) -> float | None:
    if lag == 0:
        return 0.0
    return round(lag / -growth, 1) if growth < 0 else None


def _state(catch_up: float | None, *, moving: bool) -> str:
    if not moving:
        return STALLED
    return OK if catch_up is not None and catch_up <= SLOW_CATCH_UP else WARN
