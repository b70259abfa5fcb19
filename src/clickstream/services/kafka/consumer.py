"""Reads the events topic as a member of the group. Holds no session and commits nothing by itself.

Partitions arrive paused: their owner looks up where to go on (PostgreSQL knows) and then calls `start`.

A client that has lost its brokers (see broker_watch.py) is replaced: its partitions are lost, and come again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import AdmissionRefused, ClickstreamError, OffsetLost, ServiceRefused
from clickstream.services.kafka.admission import Admission
from clickstream.services.kafka.broker_watch import BrokerWatch
from clickstream.services.kafka.config import SPREADING, WORKER, client_config, is_transient, opening, translate
from clickstream.services.kafka.group import CommittedOffset, known_places
from clickstream.services.repeat import repeat

_logger = logging.getLogger("clickstream.kafka")

SESSION_TIMEOUT_MS: Final = 6_000
"""How long the group waits for a member that was killed before its partitions go to another."""

_SETTINGS: Final[dict[str, Any]] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Report the end of a partition: its last offset may belong to a transaction marker, which is not a message.
    "enable.partition.eof": True,
    # An offset that the broker does not hold is reported as an error; there is never a silent jump.
    "auto.offset.reset": "error",
    # Members keep their partitions, and the open sessions of them, while others come and go. No static membership: in a
    # rolling restart each partition then waits until its own member is back, while another takes it over in that time.
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": SESSION_TIMEOUT_MS,
    "heartbeat.interval.ms": 500,  # how soon a member hears of a rebalance
    # The default of a second makes a consumer that is faster than the fetcher wait most of its time.
    "fetch.queue.backoff.ms": 5,
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 32_768,
    "topic.metadata.refresh.interval.ms": 5_000,  # how soon added partitions are noticed
}

_NOT_READY: Final = frozenset({KafkaError._STATE})
"""Right after an assignment librdkafka may not be ready to seek for some milliseconds."""

_SEEK_PATIENCE: Final = 10.0

_ANSWER_WITHIN: Final = 5.0
"""Seconds that a question to the brokers may take; nothing is fetched meanwhile."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FetchedMessages:
    """Messages of one partition in offset order."""

    partition: int
    messages: list[Any]
    """Objects with value(), key(), offset() and timestamp()."""

    @property
    def first_offset(self) -> int:
        return int(self.messages[0].offset())

    @property
    def next_offset(self) -> int:
        return int(self.messages[-1].offset()) + 1

    def pieces(self, size: int | None) -> Iterator[FetchedMessages]:
        """The same messages, at most `size` at a time (None: all)."""
        step = size or len(self.messages)
        for start in range(0, len(self.messages), step):
            yield FetchedMessages(self.partition, self.messages[start : start + step])


class EventConsumer:
    """A member of the consumer group. Its callbacks run inside fetch() and close(), on the caller's thread."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        group_id: str,
        client_id: str,
        on_assigned: Callable[[list[int]], None],
        on_revoked: Callable[[list[int]], None],
        on_lost: Callable[[list[int]], None],
        on_uncommitted: Callable[[list[int]], None] | None = None,
    ) -> None:
        """Join the group. `on_revoked` may still commit; after `on_lost` the partitions are somebody else's.

        `on_uncommitted` is told of partitions whose commit Kafka did not take, as in the middle of a rebalance.
        """
        self._topic = settings.events_topic
        self._group = group_id
        self.trouble: ClickstreamError | None = None
        """Why Kafka does not answer at present; None while it does."""
        self.barred: ClickstreamError | None = None
        """Why the group does not take us as a member; None while it does."""
        self.ends: dict[int, int] = {}
        """Partitions that the last fetch read to their end, and where that was."""
        self._admission = Admission(settings)
        config = client_config(settings, client_id=f"{WORKER}{client_id}") | _SETTINGS
        if on_uncommitted is not None:
            config["on_commit"] = lambda error, places: _report_uncommitted(error, places, on_uncommitted)
        self._config = config | {"group.id": group_id, "error_cb": self._on_error}
        self._on_assigned, self._on_revoked, self._on_lost = on_assigned, on_revoked, on_lost
        self._assigned: set[int] = set()
        with opening(settings):
            self._consumer = self._connect()

    def _connect(self) -> Consumer:
        self.watch = BrokerWatch()
        """Of the present client."""
        consumer = Consumer(self._config | self.watch.config)

        def assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._admission.admit()
            self.barred = None
            for partition in partitions:
                # Of no consequence, as it is paused; but a late answer to this may overtake the seek in start(), and
                # messages that come again are dropped, while those that were jumped over would be lost.
                partition.offset = OFFSET_BEGINNING
            consumer.incremental_assign(partitions)
            consumer.pause(partitions)
            numbers = [partition.partition for partition in partitions]
            self._assigned.update(numbers)
            self._on_assigned(numbers)

        def release(to: Callable[[list[int]], None], consumer: Consumer, partitions: list[TopicPartition]) -> None:
            numbers = [partition.partition for partition in partitions if partition.partition in self._assigned]
            if numbers:
                to(numbers)
            self._assigned.difference_update(numbers)
            consumer.incremental_unassign(partitions)

        consumer.subscribe(
            [self._topic],
            on_assign=assign,
            on_revoke=partial(release, self._on_revoked),
            on_lost=partial(release, self._on_lost),
        )
        return consumer

    def _replace_lost_client(self) -> None:
        """Give up the partitions of a client that will not connect again, and join the group with another."""
        _logger.warning("the client lost its brokers; another one joins the group")
        lost, self._assigned = sorted(self._assigned), set()
        if lost:
            self._on_lost(lost)
        self._consumer.close()
        self._consumer = self._connect()

    def fetch(self, count: int, *, wait: float, gather: float) -> list[FetchedMessages]:
        """Up to `count` messages, by partition: a first one that comes within `wait` seconds, and what follows it.

        Args:
            count: the most messages.
            wait: seconds that a first message may take.
            gather: seconds after it in which others join it.

        Raises:
            OffsetLost: Kafka does not hold a partition's offset, or has removed it.
            ServiceRefused: no rights; AdmissionRefused: no broker has let us in, and another try cannot help.
        """
        try:
            messages = self._consumer.consume(1, wait)
            if messages and count > 1:
                messages += self._consumer.consume(count - 1, gather)
        except KafkaException as error:
            raise translate(error.args[0]) from error
        self._check_admission()
        self.ends.clear()
        if self.watch.lost:
            self._replace_lost_client()
            return []
        by_partition: dict[int, list[Any]] = {}
        for message in messages:
            if (fault := message.error()) is None:
                by_partition.setdefault(cast("int", message.partition()), []).append(message)
            elif fault.code() == KafkaError._PARTITION_EOF:
                self.ends[cast("int", message.partition())] = cast("int", message.offset())
            else:
                self._fail(fault, message.partition())
        if by_partition:
            self.trouble = None
        return [FetchedMessages(partition, own) for partition, own in by_partition.items()]

    def start(self, partition: int, offset: int) -> None:
        """Read this partition from `offset` on. Messages fetched from elsewhere are dropped."""
        place = TopicPartition(self._topic, partition, offset)
        _repeated(lambda: self._consumer.seek(place), within=_SEEK_PATIENCE, also=_NOT_READY)
        self._consumer.resume([place])

    def stop(self, partitions: list[int]) -> None:
        """Read these partitions no more until they are started again."""
        self._consumer.pause([TopicPartition(self._topic, partition) for partition in partitions])

    def commit(self, offsets: Mapping[int, int], *, note: str = "", wait: bool = False) -> None:
        """Tell the group how far its partitions are, with a note beside each. Failures are logged."""
        if not offsets:
            return
        places = [TopicPartition(self._topic, partition, offset, note) for partition, offset in offsets.items()]
        try:
            if wait:
                self._consumer.commit(offsets=places, asynchronous=False)
            else:
                self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            _logger.warning("group offsets not committed: %s", error.args[0].str())

    def committed(self, partitions: list[int]) -> dict[int, CommittedOffset]:
        """How far the group is in those of the partitions that it ever committed, as Kafka knows it now.

        Raises ServiceUnavailable or ServiceRefused.
        """
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        found = _repeated(lambda: known_places(self._consumer.committed(places, timeout=_ANSWER_WITHIN)))
        return {
            place.partition: CommittedOffset(place.offset, place.metadata or "") for place in found if place.offset >= 0
        }

    def available(self, partition: int) -> tuple[int, int]:
        """The oldest offset that Kafka holds, and the end of what can be read, as Kafka knows them now.

        The end of what it holds may lie beyond that, where a transaction is open.

        Raises ServiceUnavailable or ServiceRefused.
        """
        place = TopicPartition(self._topic, partition)
        return _repeated(lambda: self._consumer.get_watermark_offsets(place, timeout=_ANSWER_WITHIN), also=SPREADING)

    def known_end(self, partition: int) -> int | None:
        """The next offset to come as the last fetch told it; None before the first."""
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        except KafkaException:
            return None
        return high if high >= 0 else None

    def close(self) -> None:
        """Leave the group; on_revoked is called for what is still assigned."""
        self._consumer.close()

    def _check_admission(self) -> None:
        found = self._admission.find_refusal()
        if isinstance(found, AdmissionRefused):
            raise found
        if found is not None:
            self.trouble = found
            _logger.warning("%s", found)

    def _on_error(self, error: KafkaError) -> None:
        self._admission.note_error(error)
        if not self._admission.granted:
            return
        translated = translate(error)
        if isinstance(translated, ServiceRefused) or error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.trouble = translated
        _logger.warning("%s", translated)

    def _fail(self, error: KafkaError, partition: int | None) -> None:
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            raise OffsetLost(f"partition {partition}: {error.str()}")
        if error.fatal() or isinstance(translate(error), ServiceRefused):
            raise translate(error)
        if error.code() == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            if self.barred is None:
                self.barred = _other_protocol(self._group)
                _logger.warning("waiting: %s", self.barred)
            return
        _logger.warning("partition %s: %s", partition, error.str())


def _repeated(request: Callable[[], T], *, within: float = _ANSWER_WITHIN, also: frozenset[int] = frozenset()) -> T:
    try:
        return repeat(request, is_transient=partial(is_transient, also=also), within=within)
    except KafkaException as error:
        raise translate(error.args[0]) from error


def _other_protocol(group: str) -> ClickstreamError:
    return ClickstreamError(
        f"group {group} has members that share partitions in another way than clickstream's workers do",
        hint="`clickstream lag` names them: stop them, or give them another group.id",
    )


def _report_uncommitted(
    error: KafkaError | None, places: list[TopicPartition], report: Callable[[list[int]], None]
) -> None:
    failed = [place.partition for place in places if error is not None or place.error is not None]
    if failed:
        report(failed)
