"""Moves the consumers' offsets: backward to read messages again, forward to skip them.

PostgreSQL holds the offsets that count. The group's own, which only other tools read, follow with the next commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.actions.observe.offsets import missing_topic
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.target import Target, TopicEnd
from clickstream.services.kafka.admin import OffsetReader, PartitionRange, TopicInfo
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.rewind import moving


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one partition."""

    partition: int
    before: int
    after: int

    @property
    def moves(self) -> bool:
        return self.before != self.after

    @property
    def skipped(self) -> int:
        """Messages that will never be read."""
        return max(0, self.after - self.before)


@dataclass(frozen=True, slots=True)
class RewindResult:
    """What a rewind does, or has done."""

    topic: str
    partitions: tuple[Move, ...]
    """Those that were chosen; `before` equals `after` where nothing moves."""
    skipped: int
    """Messages that will never be read: recorded as gaps."""
    again: int
    """Messages that are read again."""

    def summary(self) -> str:
        moved = [
            f"partition {one.partition}: "
            + (f"{one.before:,} → {one.after:,}" if one.moves else f"stays at {one.after:,}")
            for one in self.partitions
        ]
        again = f"{self.again:,} messages are read again, and nothing is stored twice" if self.again else ""
        skipped = f"{self.skipped:,} messages are skipped; `topic show` lists the gaps" if self.skipped else ""
        return "; ".join(words for words in (*moved, again, skipped) if words)


def plan(settings: Settings, target: Target, *, partition: int | None = None) -> RewindResult:
    """What `rewind` would do now. Raises as it does."""
    return _within(settings, target, partition, may_skip=True, move=False)


def rewind(settings: Settings, target: Target, *, partition: int | None = None, may_skip: bool = False) -> RewindResult:
    """Have consumers go on from there, one partition or all: in one transaction, safe while they run, wherever.

    Those at work find that the batches they prepared are invalid; those with nothing to do look now and then.

    Raises:
        UsageError: no such partition; an offset for several partitions, or one that Kafka does not hold; it skips
            messages and may not.
        ClickstreamError: the topic is missing or was never consumed; a server does not answer or refuses.
    """
    return _within(settings, target, partition, may_skip=may_skip, move=True)


def _within(settings: Settings, target: Target, partition: int | None, *, may_skip: bool, move: bool) -> RewindResult:
    kafka, postgres = kafka_of(settings), postgres_of(settings)
    migrate(postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            raise missing_topic(kafka.events_topic)
        chosen = _chosen(topic, target, partition)
        with moving(postgres, topic=topic.name, topic_id=topic.topic_id) as offsets:
            if not offsets.positions:
                raise ClickstreamError(
                    f"nothing of topic {topic.name} was consumed yet, so there is nothing to rewind",
                    hint="CONSUMER_AUTO_OFFSET_RESET says where a first consumer starts",
                )
            # Asked while no consumer can commit: what Kafka holds and where we are belong to one instant.
            found = _moves(topic, chosen, offsets.positions, reader.read(topic), _aims(reader, topic, target))
            if found.skipped and not may_skip:
                raise UsageError(f"this would skip {found.skipped:,} messages for good", hint="-y accepts that")
            moves = [one for one in found.partitions if one.moves] if move else []
            for one in moves:
                offsets.move(one.partition, old=one.before, new=one.after)
            if moves:
                offsets.invalidate_prepared()
    return found


def _chosen(topic: TopicInfo, target: Target, partition: int | None) -> tuple[int, ...]:
    everything = tuple(range(topic.partitions))
    if partition is None:
        if target.offset is not None and len(everything) > 1:
            raise UsageError(
                f"topic {topic.name} has {len(everything)} partitions, and an offset belongs to one of them",
                hint="say which: --partition N",
            )
        return everything
    if partition not in everything:
        raise UsageError(f"topic {topic.name} has no partition {partition}", hint=f"it has 0 to {topic.partitions - 1}")
    return (partition,)


Aims = Mapping[int, int | None] | TopicEnd | int
"""Partition to offset (None: the end), or an end of them all, or one offset."""


def _aims(reader: OffsetReader, topic: TopicInfo, target: Target) -> Aims:
    if target.unix_ms is not None:
        return reader.read_ends_at(topic, target.unix_ms)
    return target.end or target.offset or 0  # one of them is set


def _moves(
    topic: TopicInfo,
    chosen: tuple[int, ...],
    positions: Mapping[int, int],
    held: Mapping[int, PartitionRange],
    aims: Aims,
) -> RewindResult:
    moves = []
    for number in chosen:
        kept = held[number]
        # A partition that no consumer has opened yet was added later, and would start at its oldest message.
        moves.append(Move(number, positions.get(number, kept.begin), _aim(number, kept, aims)))
    again = sum(max(0, min(move.before, held[move.partition].end) - move.after) for move in moves)
    return RewindResult(topic.name, tuple(moves), sum(move.skipped for move in moves), again)


def _aim(number: int, kept: PartitionRange, aims: Aims) -> int:
    if isinstance(aims, TopicEnd):
        return kept.begin if aims is TopicEnd.EARLIEST else kept.end
    if isinstance(aims, int):
        if not kept.begin <= aims <= kept.end:
            raise UsageError(
                f"offset {aims} is not in partition {number}", hint=f"Kafka holds {kept.begin} to {kept.end}"
            )
        return aims
    offset = aims[number]
    return kept.end if offset is None else max(offset, kept.begin)
