"""Obstacles in Kafka that keep messages from being stored although our workers run, and their descriptions. Pure.

Three kinds: a compacted topic loses messages before they are read; a foreign member of a consumer group holds
partitions; another producer's open transaction holds back what lies behind its first message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec


class ObstacleKind(StrEnum):
    """What keeps messages from being stored, the gravest first."""

    COMPACTION = "compaction"
    FOREIGN_MEMBER = "foreign member"
    OPEN_TRANSACTION = "open transaction"


COMPACTION, FOREIGN_MEMBER, OPEN_TRANSACTION = ObstacleKind

HELD_AFTER: Final = 3.0
"""Seconds without a commit after which an open transaction holds a partition back; a short one is daily business."""

MOST_NAMED: Final = 3
"""Partitions whose offset a sentence gives."""

COMPACT: Final = "compact"


class ForeignMember(msgspec.Struct, frozen=True):
    """A member of one of our consumer groups that is not a worker of clickstream."""

    group: str
    client_id: str
    host: str
    partitions: tuple[int, ...]
    """Those of the events topic that it has."""

    @property
    def name(self) -> str:
        return f"{self.client_id} on {self.host}"


class Surroundings(msgspec.Struct, frozen=True):
    """What Kafka says of the events topic and of the consumer groups, beside offsets."""

    topic: str
    topic_id: str
    configs: Mapping[str, str] | None = None
    """The topic's settings of CONFIGS; None: this user may not read them."""
    foreign: Mapping[str, tuple[ForeignMember, ...]] = msgspec.field(default_factory=dict)
    """By group, of those that this user may describe."""
    unstable: Mapping[int, int] = msgspec.field(default_factory=dict)
    """Partition to the offset from which on nothing can be read, as an open transaction begins there."""
    producers: Mapping[int, str] = msgspec.field(default_factory=dict)
    """Partition to the producer that has that transaction, where it is known."""

    @property
    def compacted(self) -> bool | None:
        """None: not known."""
        return None if self.configs is None else is_compacted(self.configs)

    def foreign_owners(self, group: str) -> dict[int, str]:
        """Partition to the foreign member of this group that has it."""
        return {number: one.name for one in self.foreign.get(group, ()) for number in one.partitions}


CLEANUP_POLICY: Final = "cleanup.policy"

CONFIGS: Final = (CLEANUP_POLICY, "retention.ms", "retention.bytes")
"""Settings of a topic that say when Kafka removes messages, read or not."""


class Obstacle(msgspec.Struct, frozen=True):
    """One thing that keeps messages from being stored."""

    kind: ObstacleKind
    partitions: tuple[int, ...]
    """Those that it concerns; none: the whole topic, or none at present."""
    brief: str
    """A few words, for a line that has little room."""
    message: str
    """A sentence."""
    hint: str
    """The cure."""
    who: tuple[str, ...] = ()
    """Members or producers, where they are known."""

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"


class PartitionProgress(msgspec.Struct, frozen=True):
    """How far the consumers are in one partition."""

    position: int
    end: int
    commit_age: float | None
    """Seconds since the last commit; None: it never committed."""


def is_compacted(configs: Mapping[str, str]) -> bool:
    """Whether Kafka removes a message as soon as there is a newer one with its key."""
    return COMPACT in [one.strip() for one in configs.get(CLEANUP_POLICY, "").split(",")]


def compaction(topic: str, configs: Mapping[str, str]) -> Obstacle:
    """The obstacle that a compacted topic is."""
    return Obstacle(
        COMPACTION,
        (),
        "the topic is compacted: Kafka removes unread messages",
        f"topic {topic} is compacted ({CLEANUP_POLICY}={configs[CLEANUP_POLICY]}): of each visitor Kafka keeps the"
        " newest message only, and removes the others unread",
        f"set its {CLEANUP_POLICY} to delete: `kafka-configs.sh --bootstrap-server ADDRESS --alter --topic {topic}"
        f" --add-config {CLEANUP_POLICY}=delete`; or `clickstream data reset` recreates it, empty",
    )


def held_back(found: Surroundings, progress: Mapping[int, PartitionProgress]) -> dict[int, int]:
    """Of the partitions that an open transaction holds back, the offset from which on nothing can be read.

    Everything before that offset is stored, and that for some time: else the consumers themselves are behind.
    """
    held = {}
    for partition, offset in found.unstable.items():
        at = progress.get(partition)
        if at and offset <= at.position < at.end and (at.commit_age is None or at.commit_age >= HELD_AFTER):
            held[partition] = offset
    return held


def obstacles(found: Surroundings, progress: Mapping[int, PartitionProgress]) -> tuple[Obstacle, ...]:
    """Everything that keeps messages from being stored now, the gravest first."""
    return tuple(_all(found, progress))


def _all(found: Surroundings, progress: Mapping[int, PartitionProgress]) -> Iterator[Obstacle]:
    if found.configs is not None and found.compacted:
        yield compaction(found.topic, found.configs)
    for members in found.foreign.values():
        yield from map(_foreign, members)
    if held := held_back(found, progress):
        yield _open(found, held, progress)


def _foreign(member: ForeignMember) -> Obstacle:
    if member.partitions:
        has = f"has {named(member.partitions)}"
        so = f"it {has}, of which nothing is stored until it leaves"
    else:
        has = "has no partition at present"
        so = f"it {has}, and nothing is stored of one that it gets"
    return Obstacle(
        FOREIGN_MEMBER,
        member.partitions,
        f"foreign client {member.name} {has}",
        f"{member.name} is a member of group {member.group} and not a clickstream worker; {so}",
        "stop it, or give it another group.id; or give the workers another group: POSTGRESQL_CONSUMER_GROUP_ID,"
        " OPENSEARCH_CONSUMER_GROUP_ID",
        (member.name,),
    )


def _open(found: Surroundings, held: Mapping[int, int], progress: Mapping[int, PartitionProgress]) -> Obstacle:
    waiting = sum(progress[partition].end - offset for partition, offset in held.items())
    partitions = tuple(sorted(held))
    since = ", ".join(f"offset {held[partition]:,} of partition {partition}" for partition in partitions[:MOST_NAMED])
    if len(partitions) > MOST_NAMED:
        since += f", and in {len(partitions) - MOST_NAMED} more partitions"
    who = tuple(sorted({found.producers[partition] for partition in partitions if partition in found.producers}))
    whose = f"of producer {', '.join(who)}" if who else "of another producer"
    hint = "it ends when that producer commits, aborts or exceeds its transaction.timeout.ms"
    if not who:
        hint += (
            "; `kafka-transactions.sh --bootstrap-server ADDRESS describe-producers"
            f" --topic {found.topic} --partition {partitions[0]}` names it"
        )
    return Obstacle(
        OPEN_TRANSACTION,
        partitions,
        f"an open transaction holds back {named(partitions)}",
        f"a transaction {whose} is open since {since}: the {waiting:,} messages from there on cannot be read before it"
        " ends",
        hint,
        who,
    )


def named(partitions: Iterable[int]) -> str:
    """`partition 0`, `partitions 0, 2`."""
    numbers = [str(number) for number in partitions]
    return f"partition{'s' if len(numbers) != 1 else ''} {', '.join(numbers)}"
