"""Reads and changes a cluster's topics, consumer groups and users. Reads no message and moves no group's offsets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable
from clickstream.domain.obstacles import CLEANUP_POLICY
from clickstream.services.kafka.admission import KafkaClient
from clickstream.services.kafka.config import SERVICE, SPREADING, translate
from clickstream.services.repeat import PATIENCE

K = TypeVar("K")

GONE_WITHIN: Final = 30.0
"""Seconds that a deleted topic may take to be gone."""

ITERATIONS: Final = 4096
"""The least that Kafka takes. More is for passwords that can be guessed; each connection of a client pays for it."""

_EMPTY_WITHIN: Final = 30.0
"""Seconds until the group has forgotten a member that was killed, and more."""

_FENCED: Final = frozenset({KafkaError.INVALID_REPLICATION_FACTOR})
"""Where one replica is asked for, no broker is registered yet: the cluster starts."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """An answer of the cluster. Kafka's protocol does not tell which release it is."""

    cluster_id: str
    brokers: int
    latency_ms: float
    """One round trip on an open connection."""


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic's incarnation."""

    name: str
    topic_id: str
    """Differs from that of a topic of the same name that was deleted before."""
    partitions: int


@dataclass(frozen=True, slots=True)
class PartitionRange:
    """What a partition holds: `begin` is the oldest message's offset, `end` the next one's to come."""

    begin: int
    end: int


def cluster(settings: KafkaSettings, *, timeout: float | None = None) -> ClusterInfo:
    """Reach the cluster. Raises ServiceUnavailable or ServiceRefused."""
    with _admin(settings) as admin:
        _describe_cluster(admin, timeout)  # connects
        started = time.perf_counter()
        described = _describe_cluster(admin, timeout)
        latency = (time.perf_counter() - started) * 1000
    return ClusterInfo(described.cluster_id or "", len(described.nodes), round(latency, 2))


def describe_topic(settings: KafkaSettings, topic: str, *, timeout: float | None = None) -> TopicInfo | None:
    """The topic as it is now, or None where there is none. Raises ServiceUnavailable or ServiceRefused."""
    with _admin(settings) as admin:
        return _describe(admin, topic, timeout)


def permissions(settings: KafkaSettings, topic: str, *, timeout: float | None = None) -> frozenset[str]:
    """What this user may do with the topic (`READ`, `WRITE`, `DELETE`, ...); empty where the topic is missing.

    Raises ServiceUnavailable or ServiceRefused.
    """
    with _admin(settings) as admin:
        try:
            described = _ask(
                admin,
                topic,
                lambda seconds: admin.describe_topics(
                    TopicCollection([topic]), include_authorized_operations=True, request_timeout=seconds
                ),
                timeout,
            )
        except _ErrorAnswer as answer:
            if answer.code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return frozenset()
            raise
        return frozenset(operation.name for operation in described.authorized_operations or ())


def create_topic(settings: KafkaSettings) -> TopicInfo:
    """Make the events topic as the settings say, where there is none; the topic as it is now.

    Where it is there, nothing is asked that takes a right to create.

    Raises ServiceUnavailable, or ServiceRefused (no right to, or a replication that the cluster cannot give).
    """
    with _admin(settings) as admin:
        if (known := _describe(admin, settings.events_topic)) is not None and known.partitions:
            return known
        try:
            _create(admin, settings)
        except _ErrorAnswer as answer:
            if answer.code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        deadline = time.monotonic() + GONE_WITHIN
        while (info := _describe(admin, settings.events_topic)) is None or info.partitions == 0:
            if time.monotonic() > deadline:
                raise ServiceUnavailable(SERVICE, f"topic {settings.events_topic} was made and does not appear")
            time.sleep(0.05)
        return info


def create_partitions(settings: KafkaSettings, topic: str, partitions: int) -> None:
    """Give the topic more partitions, `partitions` in all, and wait until they are there.

    Raises:
        ServiceUnavailable, ServiceRefused: no answer; no right to, or the cluster will not have so many.
    """
    wanted = NewPartitions(topic, partitions)
    with _admin(settings) as admin:
        try:
            _ask(
                admin,
                topic,
                lambda seconds: admin.create_partitions([wanted], request_timeout=seconds),
                also=SPREADING,
            )
        except _ErrorAnswer as answer:
            # Also the answer to a repeated request whose first attempt was carried out.
            info = _describe(admin, topic) if answer.code == KafkaError.INVALID_PARTITIONS else None
            if info is None or info.partitions != partitions:
                raise
        deadline = time.monotonic() + GONE_WITHIN
        while (info := _describe(admin, topic)) is None or info.partitions < partitions:
            if time.monotonic() > deadline:
                raise ServiceUnavailable(SERVICE, f"topic {topic} was told to have {partitions} partitions and has not")
            time.sleep(0.05)


def group_permissions(settings: KafkaSettings, group_id: str, *, timeout: float = PATIENCE) -> frozenset[str]:
    """What this user may do with the consumer group (`READ`, `DESCRIBE`, ...); empty where the cluster does not tell.

    Raises ServiceUnavailable, or ServiceRefused where it may not even be described.
    """
    with _admin(settings) as admin:
        try:
            group = _ask(
                admin,
                group_id,
                lambda seconds: admin.describe_consumer_groups(
                    [group_id], include_authorized_operations=True, request_timeout=seconds
                ),
                timeout,
            )
        except _ErrorAnswer as answer:
            if answer.code == KafkaError.GROUP_ID_NOT_FOUND:
                return frozenset()
            raise
    return frozenset(operation.name for operation in group.authorized_operations or ())


def group_members(settings: KafkaSettings, group_id: str, *, timeout: float = PATIENCE) -> list[str]:
    """The members of the consumer group, as `client-id on host`; empty where there is no such group.

    While Kafka makes the topic of all groups' offsets, librdkafka asks for the group's coordinator again and again: the
    whole of `timeout` may pass without an answer.

    Raises ServiceUnavailable or ServiceRefused.
    """
    with _admin(settings) as admin:
        try:
            group = _ask(
                admin,
                group_id,
                lambda seconds: admin.describe_consumer_groups([group_id], request_timeout=seconds),
                timeout,
            )
        except _ErrorAnswer as answer:
            if answer.code == KafkaError.GROUP_ID_NOT_FOUND:
                return []
            raise
    return sorted(f"{member.client_id} on {member.host.lstrip('/')}" for member in group.members)


def check_replaceable(settings: KafkaSettings) -> None:
    """Whether this user may delete the events topic and make it as the settings say. Changes nothing.

    Raises ServiceRefused where not, ServiceUnavailable without an answer.
    """
    topic = settings.events_topic
    with _admin(settings) as admin:
        brokers = len(_describe_cluster(admin).nodes)
        if settings.replication > brokers:
            raise ServiceRefused(
                f"Kafka has {brokers} brokers, and topic {topic} is to be replicated {settings.replication} times",
                hint="set KAFKA_EVENTS_TOPIC_REPLICATION to that or less",
            )
        try:
            _create(admin, settings, validate_only=True)
        except _ErrorAnswer as answer:
            if answer.code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    granted = permissions(settings, topic)
    if granted and "DELETE" not in granted:
        raise ServiceRefused(
            f"this user may not delete topic {topic}", hint="grant it the right DELETE, or use another user"
        )


def delete_topic(settings: KafkaSettings, topic: str) -> bool:
    """Delete the topic and wait until it is gone; False where there was none.

    Raises ServiceUnavailable or ServiceRefused.
    """
    with _admin(settings) as admin:
        try:
            _ask(admin, topic, lambda seconds: admin.delete_topics([topic], request_timeout=seconds))
        except _ErrorAnswer as answer:
            if answer.code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
            return False
        deadline = time.monotonic() + GONE_WITHIN
        while _describe(admin, topic) is not None:
            if time.monotonic() > deadline:
                raise ServiceUnavailable(SERVICE, f"topic {topic} was deleted and is still there")
            time.sleep(0.05)
    return True


def read_offsets(
    settings: KafkaSettings, topic: TopicInfo, *, timeout: float | None = None
) -> dict[int, PartitionRange]:
    """Partition to what it holds. Raises ServiceUnavailable or ServiceRefused."""
    with OffsetReader(settings, timeout=timeout) as reader:
        return reader.read(topic)


class OffsetReader:
    """Reads offsets again and again over one connection; use as a context manager."""

    def __init__(self, settings: KafkaSettings, *, timeout: float | None = None) -> None:
        self._admin = KafkaClient(settings, client_id="clickstream-offsets")
        self._timeout = timeout

    def __enter__(self) -> OffsetReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.__exit__(None, None, None)

    def describe(self, topic: str) -> TopicInfo | None:
        """The topic as it is now, or None where there is none. Raises ServiceUnavailable or ServiceRefused."""
        return describe_over(self._admin, topic, self._timeout)

    def read(self, topic: TopicInfo) -> dict[int, PartitionRange]:
        """Partition to what it holds now. Raises ServiceUnavailable or ServiceRefused."""
        with _translated():
            begins = self._ask(topic, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
            ends = self._ask(topic, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {partition: PartitionRange(begins[partition], ends[partition]) for partition in sorted(ends)}

    def read_ends_at(self, topic: TopicInfo, unix_ms: int) -> dict[int, int | None]:
        """Partition to its end as of that time, by the record timestamps; None where nothing was sent since.

        Raises ServiceUnavailable or ServiceRefused.
        """
        with _translated():
            found = self._ask(topic, OffsetSpec.for_timestamp(unix_ms))
        return {partition: offset if offset >= 0 else None for partition, offset in found.items()}

    def _ask(self, topic: TopicInfo, spec: OffsetSpec) -> dict[int, int]:
        question = {TopicPartition(topic.name, partition): spec for partition in range(topic.partitions)}
        found = _answers(
            self._admin,
            lambda seconds: self._admin.list_offsets(question, request_timeout=seconds),
            self._timeout,
            also=SPREADING,
        )
        return {place.partition: answer.offset for place, answer in found.items()}


def delete_group(settings: KafkaSettings, group_id: str) -> bool:
    """Delete the group, whose members have all ended; False where there was none.

    Raises ServiceUnavailable, or ServiceRefused (no right to, or it has members still).
    """
    with KafkaClient(settings, client_id="clickstream-admin") as admin:
        try:
            admin.results(
                lambda seconds: admin.delete_consumer_groups([group_id], request_timeout=seconds),
                _EMPTY_WITHIN,
                also=frozenset({KafkaError.NON_EMPTY_GROUP}),
            )
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return False
            raise translate(error.args[0]) from error
    return True


def set_password(settings: KafkaSettings, user: str, password: str, *, timeout: float) -> None:
    """Let `user` in by SCRAM-SHA-256 with this password, and no other. Connections that are open stay open.

    Raises ServiceUnavailable, or ServiceRefused.
    """
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, ITERATIONS)
    wanted = UserScramCredentialUpsertion(user, info, password.encode())
    with KafkaClient(settings, client_id="clickstream-admin") as admin:
        try:
            admin.results(
                lambda seconds: admin.alter_user_scram_credentials([wanted], request_timeout=seconds), timeout
            )
        except KafkaException as error:
            raise translate(error.args[0]) from error


class _ErrorAnswer(Exception):
    """Kafka answered a request with an error; the caller decides what it means."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.str())
        self.code = error.code()
        self.translated: ClickstreamError = translate(error)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _ErrorAnswer as answer:
        raise answer.translated from answer


@contextmanager
def _admin(settings: KafkaSettings) -> Iterator[KafkaClient]:
    with KafkaClient(settings, client_id="clickstream-admin") as admin, _translated():
        yield admin


def _answers(
    admin: KafkaClient,
    ask: Callable[[float], Mapping[K, Future[Any]]],
    timeout: float | None = None,
    *,
    also: frozenset[int] = frozenset(),
) -> dict[K, Any]:
    try:
        return admin.results(ask, timeout, also=also)
    except KafkaException as error:
        raise _ErrorAnswer(error.args[0]) from error


def _ask(
    admin: KafkaClient,
    key: K,
    ask: Callable[[float], Mapping[K, Future[Any]]],
    timeout: float | None = None,
    *,
    also: frozenset[int] = frozenset(),
) -> Any:
    return _answers(admin, ask, timeout, also=also)[key]


def describe_over(admin: KafkaClient, topic: str, timeout: float | None = None) -> TopicInfo | None:
    """The topic as it is now, by an open connection. Raises ServiceUnavailable or ServiceRefused."""
    with _translated():
        return _describe(admin, topic, timeout)


def _describe_cluster(admin: KafkaClient, timeout: float | None = None) -> Any:
    return _ask(admin, "cluster", lambda seconds: {"cluster": admin.describe_cluster(request_timeout=seconds)}, timeout)


def _create(admin: KafkaClient, settings: KafkaSettings, *, validate_only: bool = False) -> None:
    # Not left to the broker's default: a compacted topic loses messages that were not read yet.
    config = {CLEANUP_POLICY: "delete"}
    topic = NewTopic(settings.events_topic, settings.partitions, settings.replication, config=config)
    _ask(
        admin,
        settings.events_topic,
        lambda seconds: admin.create_topics([topic], request_timeout=seconds, validate_only=validate_only),
        also=_FENCED if settings.replication == 1 else frozenset(),
    )


def _describe(admin: KafkaClient, topic: str, timeout: float | None = None) -> TopicInfo | None:
    try:
        described = _ask(
            admin,
            topic,
            lambda seconds: admin.describe_topics(TopicCollection([topic]), request_timeout=seconds),
            timeout,
        )
    except _ErrorAnswer as answer:
        if answer.code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    return TopicInfo(topic, str(described.topic_id), len(described.partitions))
