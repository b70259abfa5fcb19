"""How many seconds a partition is behind: when the messages arrived that are not stored yet. Reads no message.

Kafka knows for any time how far a partition reached then, by the record timestamps, which are the times of sending.
The time before the first sample is asked for once; from then on each sample of the ends adds a point. Between two
points messages are taken to have come evenly.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clickstream.services.kafka.admin import TopicInfo

EndsSample = tuple[float, Mapping[int, int]]
"""Unix seconds, and partition to its end then."""

AGES = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1_800, 3_600, 14_400, 86_400, 604_800)
"""Seconds back at which the past is asked for; the last one is how long Kafka keeps messages by default."""

MOST_SAMPLES = 2_000
"""Beyond that many, every second one of the older half goes."""


class EndsAt(Protocol):
    """Knows the ends of the past: services.kafka.admin.OffsetReader."""

    def read_ends_at(self, topic: TopicInfo, unix_ms: int) -> Mapping[int, int | None]:
        """Partition to its end as of that time; None where nothing came since."""


def ends_at(reader: EndsAt, topic: TopicInfo, at: float, ends: Mapping[int, int]) -> dict[int, int]:
    """The ends at a time (Unix seconds), where `ends` are those of now. Raises ClickstreamError."""
    found = reader.read_ends_at(topic, int(at * 1000))
    return {p: end if (then := found.get(p)) is None else then for p, end in ends.items()}


def past_ends(reader: EndsAt, topic: TopicInfo, ends: Mapping[int, int]) -> tuple[EndsSample, ...]:
    """The ends at each of AGES, oldest first. Raises ClickstreamError."""
    now = time.time()
    return tuple((now - age, ends_at(reader, topic, now - age, ends)) for age in reversed(AGES))


class Arrivals:
    """How far each partition reached at which time."""

    def __init__(self, past: Sequence[EndsSample] = ()) -> None:
        self._samples: deque[EndsSample] = deque(past)

    def sample(self, at: float, ends: Mapping[int, int]) -> None:
        """One more sample; one that was taken already is not taken twice."""
        if self._samples and self._samples[-1][0] >= at:
            return
        self._samples.append((at, dict(ends)))
        if len(self._samples) > MOST_SAMPLES:
            samples, half = list(self._samples), MOST_SAMPLES // 2
            self._samples = deque([*samples[:half:2], *samples[half:]])

    def forget_before(self, positions: Mapping[int, int]) -> None:
        """Drop what lies before these positions in every partition."""
        while len(self._samples) > 2 and all(
            self._samples[1][1].get(partition, 0) <= position for partition, position in positions.items()
        ):
            self._samples.popleft()

    def waited(self, partition: int, position: int, now: float) -> float | None:
        """Seconds since the message at `position` arrived; at least that, where it came before the first point."""
        arrived: float | None = None
        before: tuple[float, int] | None = None
        for at, ends in self._samples:
            end = ends.get(partition)
            if end is None:
                continue
            if end > position:
                arrived = at if before is None else _between(before, (at, end), position)
                break
            before = (at, end)
        if arrived is None:
            return None
        return max(0.0, now - arrived)


def _between(low: tuple[float, int], high: tuple[float, int], position: int) -> float:
    (low_at, low_end), (high_at, high_end) = low, high
    return low_at + (high_at - low_at) * (position - low_end) / (high_end - low_end)
