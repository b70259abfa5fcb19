"""The proof that a fault lost nothing: the lag drains, verify is content, and what came in is stored or rejected."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from clickstream.actions.faults.context import BACK_WITHIN
from clickstream.actions.lag import LagMeter, Sample
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.actions.verify import Verification, verify
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable
from clickstream.domain.events import EventColumns
from clickstream.pipeline.decode import decode
from clickstream.services.kafka.consumer import Fetched
from clickstream.services.kafka.raw import read_back
from clickstream.services.postgres.presence import Identity, Presence

POLL = 0.2
"""Seconds between two looks at the lag."""

STUCK_AFTER = 120.0
"""Seconds without any progress after which the lag does not drain any more."""

MOST_MESSAGES = 500_000
"""Messages that are read back at most."""

SHOWN = 10
"""Lost messages that are named."""

T = TypeVar("T")
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found."""

    verification: Verification
    messages: int
    """Messages that were read back."""
    cut: bool
    """There were more than MOST_MESSAGES; the first ones of each partition were checked."""
    lost: int
    """Messages that are neither stored nor rejected."""
    places: list[str] = field(default_factory=list)
    """Some of them: `partition@offset`."""

    @property
    def ok(self) -> bool:
        return self.verification.ok and not self.lost


def look(settings: Settings, within: float = BACK_WITHIN) -> Sample:
    """Where the topic ends and how far it is stored. Raises ClickstreamError when a server stays away."""

    def sample() -> Sample:
        with LagMeter(settings) as meter:
            return meter.sample()

    return _patiently(sample, within)


def await_drained(settings: Settings, ends: Mapping[int, int], tick: Callable[[], None]) -> float:
    """Wait until all before these ends is stored; the Unix time at which that was seen. `tick` is called meanwhile.

    Raises:
        ClickstreamError: it does not get on.
    """
    best, moved = -1, time.monotonic()
    while True:
        try:
            with LagMeter(settings) as meter:
                while True:
                    tick()
                    sample = meter.sample()
                    if all(sample.positions.get(number, 0) >= end for number, end in ends.items()):
                        return time.time()
                    done = sum(sample.positions.values())
                    if done > best:
                        best, moved = done, time.monotonic()
                    if time.monotonic() - moved > STUCK_AFTER:
                        raise ClickstreamError(_stuck(sample, ends))
                    time.sleep(POLL)
        except ServiceUnavailable as error:
            if time.monotonic() - moved > STUCK_AFTER:
                raise ClickstreamError(f"the lag cannot be seen to drain: {error}") from error
            time.sleep(POLL)


def _stuck(sample: Sample, ends: Mapping[int, int]) -> str:
    left = ", ".join(
        f"{number}: {end - sample.positions.get(number, 0):,}"
        for number, end in ends.items()
        if end > sample.positions.get(number, 0)
    )
    return f"the lag does not drain: nothing was stored for {STUCK_AFTER:g} s (messages left by partition: {left})"


def prove(settings: Settings, since: Sample, ends: Mapping[int, int]) -> Proof:
    """Verify all, and find each message from where the partitions stood `since` up to these ends.

    Raises:
        ClickstreamError: a server does not answer.
    """
    verification = _patiently(lambda: verify(settings), 30.0)
    ranges, cut = _bounded({number: (since.positions.get(number, 0), end) for number, end in ends.items()})
    missing: list[Place] = []
    count = 0
    with Presence(postgres_of(settings)) as presence:
        for fetched in read_back(kafka_of(settings), since.topic.name, ranges):
            count += len(fetched.messages)
            missing += _missing(presence, since.topic.topic_id, fetched)
    places = [f"{partition}@{offset}" for partition, offset in missing[:SHOWN]]
    return Proof(verification, count, cut, len(missing), places)


def _bounded(ranges: dict[int, tuple[int, int]]) -> tuple[dict[int, tuple[int, int]], bool]:
    each = MOST_MESSAGES // max(1, len(ranges))
    bounded = {number: (begin, min(end, begin + each)) for number, (begin, end) in ranges.items()}
    return bounded, bounded != ranges


def _missing(presence: Presence, topic_id: str, fetched: Fetched) -> list[Place]:
    events, faults = decode([message.value() for message in fetched.messages])
    offsets = [int(message.offset()) for message in fetched.messages]
    wrong = {position for position, _ in faults}
    sought = [(fetched.partition, offsets[position]) for position in wrong]
    if len(events):
        absent = presence.missing_events(events)
        if absent:  # PostgreSQL may have refused them, and then they lie among the rejects
            sound = [offset for position, offset in enumerate(offsets) if position not in wrong]
            sought += [(fetched.partition, sound[row]) for row in _rows(events, absent)]
    return sorted(presence.missing_rejects(topic_id, sought)) if sought else []


def _rows(events: EventColumns, absent: set[Identity]) -> list[int]:
    where: dict[Identity, list[int]] = defaultdict(list)
    columns = (events.visitor_id, events.time_ms, events.kind, events.item_id)
    for row, identity in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        where[identity].append(row)
    return [row for identity in absent for row in where.get(identity, [])]


def _patiently(ask: Callable[[], T], within: float) -> T:
    """Ask until there is an answer; servers may be on their way back."""
    deadline = time.monotonic() + within
    while True:
        try:
            return ask()
        except ServiceUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL)
