"""The messages of a benchmark: the file's first events, in order of time or not, as fast as Kafka takes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from clickstream.actions.servers import kafka_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.events import EventColumns
from clickstream.pipeline.events.columns import concat
from clickstream.pipeline.events.csvfile.reader import read_events
from clickstream.pipeline.events.encode import encode_keys, encode_values
from clickstream.services.kafka.producer import EventProducer

CHUNK: Final = 10_000

LATE_SHARE: Final = 0.05

DOUBLED_SHARE: Final = 0.01

LATE_BY: Final = 200_000
"""A late event comes up to that many events after its turn: hours, in data of this kind."""

_SEED: Final = 42


class Mode(StrEnum):
    """When the events are produced."""

    DRAIN = "drain"
    """Before the consumers start."""
    LIVE = "live"
    """While they work."""


class Order(StrEnum):
    """How the events come."""

    SORTED = "sorted"
    LATE = "late"
    """5 % of them late, and 1 % twice."""
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What sending took; the CPU is that of this process, Kafka's client threads included."""

    seconds: float
    cpu_seconds: float


def read(file: Path, limit: int) -> EventColumns:
    """The file's first `limit` events by time.

    Raises:
        ClickstreamError: the file cannot be read, or holds fewer.
    """
    columns = read_events(file, limit=limit).columns
    if len(columns) < limit:
        raise ClickstreamError(
            f"{limit:,} events are to be sent, and {file} holds only {len(columns):,}",
            hint="use a smaller --limit, or `clickstream data generate`",
        )
    return columns


def arranged(events: EventColumns, order: Order) -> EventColumns:
    """The events as they are to be sent; the same each time."""
    if order is Order.SORTED:
        return events
    dice = np.random.default_rng(_SEED)
    if order is Order.RANDOM:
        return events.take(dice.permutation(len(events)))
    place = np.arange(len(events), dtype=np.float64)
    late = dice.random(len(events)) < LATE_SHARE
    place[late] += dice.integers(1, LATE_BY, int(late.sum()))
    again = np.flatnonzero(dice.random(len(events)) < DOUBLED_SHARE)
    twice = concat([events, events.take(again)])
    return twice.take(np.argsort(np.concatenate((place, place[again] + dice.integers(1, 1000, len(again))))))


def send(settings: Settings, events: EventColumns, progress: Callable[[int, int], None]) -> SendResult:
    """Send them all and wait for every acknowledgement; what that took.

    Raises:
        ClickstreamError: Kafka refused some, or went away.
    """
    began, cpu = time.perf_counter(), time.process_time()
    producer = EventProducer(kafka_of(settings))
    try:
        for start in range(0, len(events), CHUNK):
            _hand_over(producer, events.take(slice(start, start + CHUNK)))
            progress(start, len(events))
        if producer.flush(60.0) or producer.failed:
            raise ClickstreamError(f"Kafka did not take {producer.outstanding + producer.failed:,} of the messages")
    finally:
        producer.close()
    progress(len(events), len(events))
    return SendResult(time.perf_counter() - began, time.process_time() - cpu)


def _hand_over(producer: EventProducer, events: EventColumns) -> None:
    keys, values = encode_keys(events), encode_values(events)
    sent = 0
    while sent < len(keys):
        taken = producer.send(keys[sent:], values[sent:])
        sent += taken
        producer.poll(0.0 if taken else 0.05)
