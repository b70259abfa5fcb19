"""What must be stored: computed from the input file and from what lies in Kafka, by nothing of the product's.

And what is stored, row by row against it.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from clickstream.config.settings import Settings
from clickstream.services.kafka.config import client_config
from tests.feed import KINDS, TIMEOUT_MS, query, shop, stored_events, stored_sessions
from tests.oracle import Event, sessions_of

LARGEST_ID = 2**63 - 1
LATEST_MS = 9_224_318_015_999_999

SHOWN = 5
"""Rows of each kind of difference that are shown."""

IndexPosition = tuple[int, int]


def write_input(path: Path, seed: int, count: int, visitors: int) -> None:
    """A file of events out of order, some of them twice, with some lines that are none."""
    dice = random.Random(seed)
    events = shop(seed, count, visitors=visitors, span_ms=dice.choice((20, 400)) * TIMEOUT_MS)
    lines = [_line(event) for event in events]
    lines += dice.sample(lines, len(lines) // 50)
    lines += ["", "not,a,line", "1430622004384,-1,view,1,", "1430622004384,1,look,1,"]
    dice.shuffle(lines)
    path.write_text("\n".join(["timestamp,visitorid,event,itemid,transactionid", *lines]) + "\n")


def _line(event: Event) -> str:
    transaction = str(event.item_id + 1) if KINDS[event.kind] == "transaction" else ""
    return f"{event.time_ms},{event.visitor_id},{KINDS[event.kind]},{event.item_id},{transaction}"


def read_input(path: Path) -> set[Event]:
    """The file's distinct events."""
    found = set()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                event = Event(
                    int(row["visitorid"]), int(row["timestamp"]), KINDS.index(row["event"]), int(row["itemid"])
                )
            except (ValueError, TypeError):
                continue
            if event.visitor_id >= 0:
                found.add(event)
    return found


def as_event(payload: bytes | None) -> Event | None:
    """The event that a message is by the contract; None: it is none."""
    try:
        fields = json.loads((payload or b"").decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    time_ms, visitor, item = (fields.get(name) for name in ("timestamp", "visitor_id", "item_id"))
    transaction = fields.get("transaction_id")
    sound = (
        _is_id(visitor)
        and _is_id(item)
        and (transaction is None or _is_id(transaction))
        and type(time_ms) is int
        and 0 <= time_ms <= LATEST_MS
        and fields.get("event") in KINDS
    )
    return Event(visitor, time_ms, KINDS.index(fields["event"]), item) if sound else None


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_ID


def read_topic(settings: Settings, partitions: int) -> tuple[set[Event], set[IndexPosition]]:
    """Everything that lies in the topic, with a plain reader: the distinct events, and where the other messages are."""
    assert settings.kafka
    consumer = Consumer(
        {
            **client_config(settings.kafka, client_id="tests"),
            "group.id": "campaign-truth",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    events: set[Event] = set()
    others: set[IndexPosition] = set()
    left = set(range(partitions))
    consumer.assign([TopicPartition(settings.kafka.events_topic, number, OFFSET_BEGINNING) for number in left])
    while left:
        for message in consumer.consume(10_000, 1.0):
            if (error := message.error()) is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                left.discard(message.partition())
            elif (event := as_event(message.value())) is not None:
                events.add(event)
            else:
                others.add((message.partition(), message.offset()))
    consumer.close()
    return events, others


@dataclass(slots=True)
class Differences:
    """How many rows differ, and some of them."""

    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def note(self, what: str, rows: Iterable[object]) -> None:
        found = sorted(rows, key=repr)
        if found:
            self.counts[what] = len(found)
            self.rows[what] = [repr(row) for row in found[:SHOWN]]

    def __str__(self) -> str:
        return "; ".join(f"{what}: {count}, such as {self.rows[what]}" for what, count in self.counts.items())


def compare(settings: Settings, file: Path, burst: Iterable[bytes | None], partitions: int) -> tuple[int, Differences]:
    """What is stored against what must be.

    Args:
        settings: of the round.
        file: the input.
        burst: payloads of what bursts sent, or were about to send when they were cut short.
        partitions: of the topic.

    Returns:
        How many distinct events came through, and the differences.
    """
    wanted = read_input(file)
    bursting = {event for payload in burst if (event := as_event(payload)) is not None}
    came, others = read_topic(settings, partitions)
    found = Differences()
    found.note("events of the file that Kafka does not have", wanted - came)
    found.note("events in Kafka that were never sent", came - wanted - bursting)
    must = wanted | came
    events = stored_events(settings)
    found.note("events lost", must - set(events))
    found.note("events that should not be", set(events) - must)
    found.note("events doubled", [event for event in set(events) if events.count(event) > 1] if _twice(events) else [])
    sessions = stored_sessions(settings)
    expected = sessions_of(must, TIMEOUT_MS)
    found.note("sessions lost", expected - set(sessions))
    found.note("sessions that should not be", set(sessions) - expected)
    found.note("sessions doubled", ["some"] if _twice(sessions) else [])
    rejected = [(p, o) for p, o in query(settings, 'SELECT partition, "offset" FROM rejected_events')]
    found.note("rejects lost", others - set(rejected))
    found.note("rejects that should not be", set(rejected) - others)
    found.note("rejects doubled", ["some"] if _twice(rejected) else [])
    return len(must), found


def _twice(rows: list[Any]) -> bool:
    return len(rows) != len(set(rows))
