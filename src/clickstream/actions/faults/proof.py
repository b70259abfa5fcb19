"""The proof that a fault lost nothing: the lag drains, verify is ok, and every message is stored or rejected."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from clickstream.actions.faults.context import BACK_WITHIN
from clickstream.actions.observe.meter import LagMeter, Sample
from clickstream.actions.servers import kafka_of, opensearch_of, postgres_of
from clickstream.actions.verify.sessions import Verification, verify
from clickstream.config.settings import Settings
from clickstream.domain.comparison import Row
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable
from clickstream.domain.events import EventColumns
from clickstream.pipeline.events.decode import decode, decode_messages
from clickstream.services.kafka.consumer import FetchedMessages
from clickstream.services.kafka.raw import read_back
from clickstream.services.postgres.presence import Identity, Presence

if TYPE_CHECKING:
    from clickstream.services.opensearch.presence import IndexPresence

POLL = 0.2
"""Seconds between two samples of the lag."""

STUCK_AFTER = 120.0
"""Seconds without any progress after which the lag does not drain any more."""

MOST_MESSAGES = 500_000
"""Messages that are read back at most."""

SHOWN = 10
"""Lost messages that are named."""

T = TypeVar("T")
IndexPosition = tuple[int, int]


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
    unindexed: int | None = None
    """Messages that are neither in the index nor rejected; None: the fault was not OpenSearch's."""

    @property
    def ok(self) -> bool:
        return self.verification.ok and not self.lost and not self.unindexed


def sample(settings: Settings, within: float = BACK_WITHIN) -> Sample:
    """Where the topic ends and how far it is stored. Raises ClickstreamError when a server stays away."""

    def sample() -> Sample:
        with LagMeter(settings) as meter:
            return meter.sample()

    return _patiently(sample, within)


def await_drained(
    settings: Settings, ends: Mapping[int, int], tick: Callable[[], None], *, index: bool = False
) -> float:
    """Wait until all before these ends is stored, and with `index` indexed as well.

    `tick` is called meanwhile. Returns the Unix time at which that was seen.

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
                    reached = [sample.positions, sample.indexed_positions] if index else [sample.positions]
                    if all(have.get(number, 0) >= end for have in reached for number, end in ends.items()):
                        return time.time()
                    done = sum(sum(have.values()) for have in reached)
                    if done > best:
                        best, moved = done, time.monotonic()
                    if time.monotonic() - moved > STUCK_AFTER:
                        raise ClickstreamError(_stuck(reached, ends))
                    time.sleep(POLL)
        except ServiceUnavailable as error:
            if time.monotonic() - moved > STUCK_AFTER:
                raise ClickstreamError(f"the lag cannot be seen to drain: {error}") from error
            time.sleep(POLL)


def _stuck(reached: Sequence[Mapping[int, int]], ends: Mapping[int, int]) -> str:
    by_partition = {number: end - min(have.get(number, 0) for have in reached) for number, end in ends.items()}
    left = ", ".join(f"{number}: {count:,}" for number, count in by_partition.items() if count > 0)
    return f"the lag does not drain: nothing was stored for {STUCK_AFTER:g} s (messages left by partition: {left})"


def prove(settings: Settings, since: Sample, ends: Mapping[int, int], *, index: bool = False) -> Proof:
    """Verify all, and find each message from where the partitions stood `since` up to these ends.

    With `index`: find each in the index, too.

    Raises:
        ClickstreamError: a server does not answer.
    """
    verification = _patiently(lambda: verify(settings), 30.0)
    ranges, cut = _bounded({number: (since.positions.get(number, 0), end) for number, end in ends.items()})
    missing: list[IndexPosition] = []
    unindexed: list[IndexPosition] = []
    count = 0
    with ExitStack() as opened:
        presence = opened.enter_context(Presence(postgres_of(settings)))
        documents = opened.enter_context(_documents(settings)) if index else None
        for fetched in read_back(kafka_of(settings), since.topic.name, ranges):
            count += len(fetched.messages)
            missing += _missing(presence, since.topic.topic_id, fetched)
            if documents is not None:
                unindexed += _unindexed(documents, presence, since.topic.topic_id, fetched)
    places = [f"{partition}@{offset}" for partition, offset in (*missing, *unindexed)[:SHOWN]]
    return Proof(verification, count, cut, len(missing), places, len(unindexed) if index else None)


def _documents(settings: Settings) -> IndexPresence:
    from clickstream.services.opensearch.presence import IndexPresence  # noqa: PLC0415 (it loads a driver)

    return IndexPresence(opensearch_of(settings))


def _bounded(ranges: dict[int, tuple[int, int]]) -> tuple[dict[int, tuple[int, int]], bool]:
    each = MOST_MESSAGES // max(1, len(ranges))
    bounded = {number: (begin, min(end, begin + each)) for number, (begin, end) in ranges.items()}
    return bounded, bounded != ranges


def _missing(presence: Presence, topic_id: str, fetched: FetchedMessages) -> list[IndexPosition]:
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


def _unindexed(
    documents: IndexPresence, presence: Presence, topic_id: str, fetched: FetchedMessages
) -> list[IndexPosition]:
    """Events with neither a document nor a reject: an event that OpenSearch refused for good is a reject."""
    events, faults = decode_messages([message.value() for message in fetched.messages])
    wrong = {position for position, _ in faults}
    sound = [int(message.offset()) for position, message in enumerate(fetched.messages) if position not in wrong]
    rows = [Row(one.timestamp, one.visitor_id, one.event, one.item_id, one.transaction_id) for one in events]
    absent = _patiently(lambda: documents.missing([row.id for row in rows]), 30.0)
    sought = [(fetched.partition, offset) for offset, row in zip(sound, rows, strict=True) if row.id in absent]
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
