"""Finds the producers with open transactions in a topic, by two requests that the driver does not have.

Asked over a connection of our own. An unexpected answer yields no name: nothing but the
naming of a producer depends on it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.wire import Address, BrokerConnection

T = TypeVar("T")

_DESCRIBE_PRODUCERS, _LIST_TRANSACTIONS = 61, 66
_NO_TAGS: Final = b"\0"


@dataclass(frozen=True, slots=True)
class OpenProducer:
    """A producer with an open transaction in a partition."""

    producer_id: int
    start_offset: int


def open_producers(
    settings: KafkaSettings, topic: str, leaders: Mapping[int, Address], brokers: Iterable[Address]
) -> dict[int, str]:
    """Partition to the producer whose transaction there began first, by its transactional.id where that is known.

    Args:
        settings: how to reach brokers.
        topic: its name.
        leaders: partition to the broker that leads it.
        brokers: all of them: each coordinates some of the transactions.
    """
    found: dict[int, int] = {}
    for address in sorted(set(leaders.values())):
        own = [partition for partition, leader in leaders.items() if leader == address]
        with suppress(OSError, ValueError):
            answer = _ask(settings, address, _DESCRIBE_PRODUCERS, describe_request(topic, own))
            for partition, producers in describe_answer(answer).items():
                if producers:
                    found[partition] = min(producers, key=lambda one: one.start_offset).producer_id
    names: dict[int, str] = {}
    for address in brokers if found else ():
        with suppress(OSError, ValueError):
            names |= list_answer(_ask(settings, address, _LIST_TRANSACTIONS, list_request(found.values())))
    return {partition: names.get(one, f"with producer id {one}") for partition, one in found.items()}


def describe_request(topic: str, partitions: Iterable[int]) -> bytes:
    """The body of DescribeProducers, version 0."""
    numbers = [struct.pack(">i", partition) for partition in partitions]
    return _array([_string(topic) + _array(numbers) + _NO_TAGS]) + _NO_TAGS


def describe_answer(answer: bytes) -> dict[int, list[OpenProducer]]:
    """Partition to the producers with an open transaction there. Raises ValueError where it is not such an answer."""
    reader = _Reader(answer)
    reader.skip(4)  # throttled for so long
    found: dict[int, list[OpenProducer]] = {}

    def producer() -> OpenProducer:
        producer_id = reader.integer(">q")
        reader.skip(4 + 4 + 8 + 4)  # epoch, last sequence, last timestamp, the coordinator's epoch
        start = reader.integer(">q")
        reader.skip_tags()
        return OpenProducer(producer_id, start)

    def partition() -> None:
        number, error = reader.integer(">i"), reader.integer(">h")
        reader.string()  # the error's words
        active = reader.array(producer)
        reader.skip_tags()
        if not error:
            found[number] = [one for one in active if one.start_offset >= 0]

    def topic() -> None:
        reader.string()
        reader.array(partition)
        reader.skip_tags()

    reader.array(topic)
    return found


def list_request(producer_ids: Iterable[int]) -> bytes:
    """The body of ListTransactions, version 0: those of these producers, whatever their state."""
    ids = [struct.pack(">q", producer_id) for producer_id in sorted(set(producer_ids))]
    return _array([]) + _array(ids) + _NO_TAGS


def list_answer(answer: bytes) -> dict[int, str]:
    """Producer id to transactional.id. Raises ValueError where it is not such an answer."""
    reader = _Reader(answer)
    reader.skip(4)  # throttled for so long
    error = reader.integer(">h")
    reader.array(reader.string)  # states that it does not know
    found: dict[int, str] = {}

    def transaction() -> None:
        name, producer_id = reader.string(), reader.integer(">q")
        reader.string()  # its state
        reader.skip_tags()
        found[producer_id] = name

    reader.array(transaction)
    return {} if error else found


class _Reader:
    """Reads what Kafka's protocol is made of, one after the other. Raises ValueError where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def position(self) -> int:
        return self._at

    def skip(self, count: int) -> None:
        if count > len(self._data) - self._at:
            raise ValueError("an answer that ends too early")
        self._at += count

    def integer(self, form: str) -> int:
        at = self._at
        self.skip(struct.calcsize(form))
        return int(struct.unpack_from(form, self._data, at)[0])

    def unsigned(self) -> int:
        """Seven bits a byte, the lowest first."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.integer(">B")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number that does not end")

    def string(self) -> str:
        """Empty where there is none."""
        length, at = self.unsigned() - 1, self._at
        if length <= 0:
            return ""
        self.skip(length)
        return self._data[at : at + length].decode("utf-8", "replace")

    def array(self, item: Callable[[], T]) -> list[T]:
        return [item() for _ in range(self.unsigned() - 1)]

    def skip_tags(self) -> None:
        """Fields of later versions."""
        for _ in range(self.unsigned()):
            self.unsigned()
            self.skip(self.unsigned())


def _unsigned(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _unsigned(len(encoded) + 1) + encoded


def _array(items: list[bytes]) -> bytes:
    return _unsigned(len(items) + 1) + b"".join(items)


def _ask(settings: KafkaSettings, address: Address, kind: int, body: bytes) -> bytes:
    """The answer's body. Raises OSError or ValueError."""
    with BrokerConnection(settings, address) as broker:
        reader = _Reader(answer := broker.request(kind, body, tags=_NO_TAGS))
    reader.skip_tags()
    return answer[reader.position :]
