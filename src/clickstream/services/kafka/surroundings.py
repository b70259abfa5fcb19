"""Reads the surroundings of the events topic: its settings, the members of consumer groups, open transactions.

Reads no message and changes nothing. What this user may not read stays unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import ConfigResource, OffsetSpec  # type: ignore[attr-defined]

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ServiceRefused
from clickstream.domain.obstacles import CONFIGS, ForeignMember, Surroundings
from clickstream.services.kafka.admin import TopicInfo, describe_over
from clickstream.services.kafka.admission import KafkaClient
from clickstream.services.kafka.config import SPREADING, WORKER, translate
from clickstream.services.kafka.transactions import open_producers

CONFIGS_EVERY: Final = 60.0
"""Seconds after which a topic's settings are asked for again: they hardly ever change."""


class SurroundingsReader:
    """Reads them again and again over one connection; use as a context manager."""

    def __init__(self, settings: KafkaSettings, groups: Iterable[str], *, timeout: float | None = None) -> None:
        """`groups`: the consumer groups of our workers."""
        self._settings = settings
        self._topic = settings.events_topic
        self._client = KafkaClient(settings, client_id="clickstream-surroundings")
        self._groups = tuple(groups)
        self._timeout = timeout
        self._configs: tuple[str, float, Mapping[str, str] | None] = ("", 0.0, None)
        self._before: tuple[str, dict[int, int]] | None = None

    def __enter__(self) -> SurroundingsReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__(None, None, None)

    def read(self) -> Surroundings | None:
        """How it is now; None where there is no such topic.

        Raises ServiceUnavailable, or ServiceRefused where the topic may not even be described.
        """
        topic = describe_over(self._client, self._topic, self._timeout)
        if topic is None:
            return None
        unstable = self._unstable(topic)
        before, self._before = self._before, (topic.topic_id, unstable)
        if before and before[0] == topic.topic_id:
            # One that has moved on since is a producer at work. A first look has nothing to compare with.
            unstable = {number: offset for number, offset in unstable.items() if before[1].get(number) == offset}
        foreign = {
            group: members for group in self._groups if (members := self._foreign(topic.name, group)) is not None
        }
        producers = self._producers(unstable) if unstable else {}
        return Surroundings(topic.name, topic.topic_id, self._known_configs(topic), foreign, unstable, producers)

    def configs(self) -> dict[str, str] | None:
        """The topic's settings of CONFIGS; None: this user may not read them. Raises ServiceUnavailable."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, self._topic)
        try:
            answered = self._client.results(
                lambda seconds: self._client.describe_configs([resource], request_timeout=seconds),
                self._timeout,
                also=SPREADING,
            )
        except KafkaException as error:
            if isinstance(refused := translate(error.args[0]), ServiceRefused):
                return None
            raise refused from error
        entries = answered[resource]
        return {name: str(entries[name].value) for name in CONFIGS if name in entries}

    def _known_configs(self, topic: TopicInfo) -> Mapping[str, str] | None:
        topic_id, read_at, known = self._configs
        if topic_id != topic.topic_id or time.monotonic() - read_at >= CONFIGS_EVERY:
            known = self.configs()
            self._configs = (topic.topic_id, time.monotonic(), known)
        return known

    def _foreign(self, topic: str, group: str) -> tuple[ForeignMember, ...] | None:
        """None: this user may not describe the group."""
        try:
            answered = self._client.results(
                lambda seconds: self._client.describe_consumer_groups([group], request_timeout=seconds), self._timeout
            )
        except KafkaException as error:
            refused = translate(error.args[0])
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return ()
            if isinstance(refused, ServiceRefused):
                return None
            raise refused from error
        found = []
        for member in answered[group].members:
            if member.client_id.startswith(WORKER):
                continue
            has = member.assignment.topic_partitions if member.assignment else ()
            partitions = tuple(sorted(place.partition for place in has if place.topic == topic))
            found.append(ForeignMember(group, member.client_id, member.host.lstrip("/"), partitions))
        return tuple(sorted(found, key=lambda member: (member.name, member.partitions)))

    def _producers(self, partitions: Iterable[int]) -> dict[int, str]:
        """Who has the open transactions in these partitions, as far as brokers tell."""
        topics, own = TopicCollection([self._topic]), self._client
        try:
            described = own.results(lambda seconds: own.describe_topics(topics, request_timeout=seconds), self._timeout)
            cluster = own.results(lambda seconds: {"": own.describe_cluster(request_timeout=seconds)}, self._timeout)[
                ""
            ]
        except KafkaException:
            return {}
        leaders = {one.id: one.leader for one in described[self._topic].partitions if one.leader is not None}
        wanted = {number: (leaders[number].host, leaders[number].port) for number in partitions if number in leaders}
        brokers = [(node.host, node.port) for node in cluster.nodes]
        return open_producers(self._settings, self._topic, wanted, brokers)

    def _unstable(self, topic: TopicInfo) -> dict[int, int]:
        # Ends first: had nothing been open, the stable offsets, which are read later, would be at least those.
        ends = self._ends(topic, IsolationLevel.READ_UNCOMMITTED)
        stable = self._ends(topic, IsolationLevel.READ_COMMITTED)
        return {number: offset for number, offset in stable.items() if offset < ends[number]}

    def _ends(self, topic: TopicInfo, isolation: IsolationLevel) -> dict[int, int]:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        question = {TopicPartition(topic.name, number): latest for number in range(topic.partitions)}
        try:
            found = self._client.results(
                lambda seconds: self._client.list_offsets(question, isolation_level=isolation, request_timeout=seconds),
                self._timeout,
                also=SPREADING,
            )
        except KafkaException as error:
            raise translate(error.args[0]) from error
        return {place.partition: answer.offset for place, answer in found.items()}


def topic_configs(settings: KafkaSettings, *, timeout: float | None = None) -> dict[str, str] | None:
    """The events topic's settings of CONFIGS; None: this user may not read them. Raises ServiceUnavailable."""
    with SurroundingsReader(settings, (), timeout=timeout) as reader:
        return reader.configs()
