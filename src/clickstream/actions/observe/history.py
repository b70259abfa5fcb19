"""Lag over the last minutes or hours, also of times when it was not watched.

It is made of two things: Kafka knows by the record timestamps how far each partition reached at any time, and the
consumers note their positions in Valkey every few seconds (services/valkey/position_history.py).
The present position, and since when it stands, comes from PostgreSQL, so the lag of a dead group is known too.
Between two notes a position is taken to have moved evenly, and after a consumer's last note to have stood until the
next consumer went on. Before the first note the lag is None.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream.actions.observe.arrivals import ends_at
from clickstream.actions.observe.offsets import PartitionOffsets, missing_topic, positions
from clickstream.actions.servers import kafka_of, postgres_of, valkey_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.services.kafka.admin import OffsetReader
from clickstream.services.postgres.inspect import StoredOffset, read_offsets
from clickstream.services.postgres.reads import borrow
from clickstream.services.valkey.connection import connect as connect_valkey
from clickstream.services.valkey.position_history import KEPT_SECONDS, NOTED_EVERY, Point, PositionHistory

SHORTEST, LONGEST = 10.0, float(KEPT_SECONDS)
"""Seconds that a window may have."""

DEFAULT_WINDOW = 300.0

POINTS = 60

STANDS_AFTER = 2 * NOTED_EVERY
"""Seconds without a note after which a position counts as having stood since the note that was due."""


@dataclass(frozen=True, slots=True)
class LagPoint:
    """The lag at one time."""

    at: float
    """Unix seconds."""
    total: int | None
    """None: that of some partition is not known."""
    partitions: dict[int, int | None]
    """None: not known; no consumer's note reaches so far back."""


@dataclass(frozen=True, slots=True)
class LagHistory:
    """The lag over a window, oldest first, the last point now."""

    topic: str
    window_seconds: float
    points: tuple[LagPoint, ...]
    note: str
    """Why the past is not known where it should be; else empty."""


def history(settings: Settings, *, window: float = DEFAULT_WINDOW, points: int = POINTS) -> LagHistory:
    """The lag at `points` times, evenly spread over the last `window` seconds.

    Raises:
        UsageError: the window is shorter or longer than can be told.
        ClickstreamError: the topic is missing, or Kafka or PostgreSQL does not answer.
    """
    if not SHORTEST <= window <= LONGEST:
        raise UsageError(f"a window of {window:g} s is not from {SHORTEST:g} s to {LONGEST / 3600:g} h")
    kafka = kafka_of(settings)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            raise missing_topic(kafka.events_topic)
        with borrow(postgres_of(settings)) as connection:
            stored = read_offsets(connection, topic=topic.name, topic_id=topic.topic_id)
        now = time.time()
        held = reader.read(topic)
        ends = {partition: offsets.end for partition, offsets in held.items()}
        times = [now - window * (1 - step / (points - 1)) for step in range(points)]
        reached = [(at, ends_at(reader, topic, at, ends)) for at in times[:-1]]
    starts = positions({}, {p: one.begin for p, one in held.items()}, ends, settings.pipeline.auto_offset_reset)
    noted, note = _noted(settings, now - window)
    paths = {p: Path.of(p, noted, stored.get(p), starts[p], now) for p in ends}
    found = tuple(_point(at, then, paths) for at, then in [*reached, (now, ends)])
    return LagHistory(topic.name, window, found, note)


class Path:
    """One partition's position over time."""

    def __init__(self, points: Sequence[tuple[float, int]], *, start: int) -> None:
        """`points`: (Unix seconds, position), oldest first; none if it never moved from `start`, where it began."""
        self._times = [at for at, _ in points]
        self._offsets = [offset for _, offset in points]
        self.start = start

    @classmethod
    def of(cls, partition: int, notes: Sequence[Point], stored: StoredOffset | None, start: int, now: float) -> Path:
        """Out of the consumers' notes and what PostgreSQL holds now."""
        if stored is None:
            return cls([], start=start)
        committed = now - stored.age_seconds
        noted: list[tuple[float, int]] = []
        for at, noted_positions in notes:
            if partition not in noted_positions or at >= committed:
                continue
            if noted and at - noted[-1][0] > STANDS_AFTER:
                noted.append((noted[-1][0] + NOTED_EVERY, noted_positions[partition]))
            noted.append((at, noted_positions[partition]))
        return cls([*noted, (committed, stored.next_offset)], start=start)

    def at(self, at: float) -> int | None:
        """The position then; None before the first note, unless it stood at its start there still."""
        if not self._offsets:
            return self.start
        after = bisect_right(self._times, at)
        if after == 0:
            return self.start if self._offsets[0] <= self.start else None
        if after == len(self._times):
            return self._offsets[-1]
        low_at, high_at = self._times[after - 1], self._times[after]
        low, high = self._offsets[after - 1], self._offsets[after]
        return low + int((high - low) * (at - low_at) / (high_at - low_at))


def _point(at: float, ends: Mapping[int, int], paths: Mapping[int, Path]) -> LagPoint:
    lags: dict[int, int | None] = {}
    for partition in sorted(ends):
        position, end = paths[partition].at(at), ends[partition]
        nothing_waited = end <= paths[partition].start
        lags[partition] = 0 if nothing_waited else None if position is None else PartitionOffsets(0, end, position).lag
    known = [lag for lag in lags.values() if lag is not None]
    return LagPoint(round(at, 3), sum(known) if len(known) == len(lags) else None, lags)


def _noted(settings: Settings, since: float) -> tuple[list[Point], str]:
    try:
        with connect_valkey(valkey_of(settings)) as client:
            return PositionHistory(client, topic=kafka_of(settings).events_topic).read(since), ""
    except ClickstreamError as error:
        return [], f"the past is not known: {error}"
