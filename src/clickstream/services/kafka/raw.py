"""Sends raw messages, valid or not and with any timestamp, and reads back a range of offsets.

Joins no group and moves no group's offsets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable
from clickstream.services.kafka.config import SERVICE, client_config, is_transient, translate
from clickstream.services.kafka.consumer import FetchedMessages

LARGEST: Final = 1_000_000
"""Bytes of the largest message, key and headers included, that broker and clients take unless told otherwise."""

_READ_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class RawMessage:
    """What is to be sent."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    """The record timestamp, Unix milliseconds; None: when it is sent."""


def send(settings: KafkaSettings, messages: Sequence[RawMessage], *, within: float = 60.0) -> None:
    """Send them to the events topic as any producer that keys by visitor would, and wait until Kafka has them.

    Raises:
        ServiceUnavailable: some were not acknowledged `within` seconds; Kafka may have some of them.
        ClickstreamError: Kafka refused one.
    """
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error)

    tuning = {
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "message.timeout.ms": round(within * 1000),
        "queue.buffering.max.messages": 1_000_000,
        "delivery.report.only.error": True,
    }
    producer = Producer(client_config(settings, client_id="clickstream-burst") | tuning)
    deadline = time.monotonic() + within + 1
    for message in messages:
        now_or = message.timestamp_ms or 0
        producer.produce(settings.events_topic, message.value, message.key, on_delivery=delivered, timestamp=now_or)
        producer.poll(0)
    while producer.flush(0.2) and time.monotonic() < deadline:
        pass
    if refused:
        raise _refusal(refused[0], len(refused))


def read_back(
    settings: KafkaSettings, topic: str, ranges: Mapping[int, tuple[int, int]], *, patience: float = 30.0
) -> Iterator[FetchedMessages]:
    """The messages of each partition from its first offset up to (not including) its second one.

    Raises:
        ServiceUnavailable: nothing came for `patience` seconds.
        ClickstreamError: Kafka refused, or has removed the first offset.
    """
    left = {partition: end for partition, (begin, end) in ranges.items() if begin < end}
    consumer = Consumer(client_config(settings, client_id="clickstream-read-back") | _READING)
    try:
        consumer.assign([TopicPartition(topic, partition, ranges[partition][0]) for partition in left])
        heard = time.monotonic()
        while left:
            found = _within(consumer.consume(_READ_AT_ONCE, 0.2), left)
            if found:
                heard = time.monotonic()
            elif time.monotonic() - heard > patience:
                raise ServiceUnavailable(SERVICE, f"nothing could be read back for {patience:g} s")
            yield from found
    except KafkaException as error:
        raise translate(error.args[0]) from error
    finally:
        consumer.close()


_READING: Final[dict[str, Any]] = {
    "group.id": "clickstream-read-back",  # none is joined, and the client wants a name
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
}


def _within(messages: Sequence[Any], left: dict[int, int]) -> list[FetchedMessages]:
    """The messages that lie in the ranges; takes out of `left` the partitions that were read to their end."""
    by_partition: dict[int, list[Any]] = {}
    for message in messages:
        partition, offset = cast("int", message.partition()), cast("int", message.offset())
        fault = message.error()
        if fault is not None and fault.code() != KafkaError._PARTITION_EOF:
            if fault.retriable() or fault.code() in _OUTAGES or is_transient(KafkaException(fault)):
                continue
            raise translate(fault)
        if partition not in left:
            continue
        if fault is None and offset < left[partition]:
            by_partition.setdefault(partition, []).append(message)
        if offset + (fault is None) >= left[partition]:
            del left[partition]
    return [FetchedMessages(partition, own) for partition, own in by_partition.items()]


_OUTAGES: Final = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT}


def _refusal(error: KafkaError, count: int) -> ClickstreamError:
    if error.code() == KafkaError._MSG_TIMED_OUT:
        return ServiceUnavailable(SERVICE, f"{count} messages were not acknowledged in time")
    return ClickstreamError(f"{SERVICE} refused {count} messages: {error.str()}")
