"""Bursts of messages, sent past the product's own producer."""

from __future__ import annotations

import time
from collections.abc import Callable

from clickstream.actions.faults import messages
from clickstream.actions.faults.context import Context
from clickstream.actions.observe.model import BAD
from clickstream.actions.observe.offsets import missing_topic
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.services.kafka.admin import OffsetReader
from clickstream.services.kafka.raw import RawMessage, read_back, send
from clickstream.services.postgres.presence import Presence

KNOWN_SESSIONS = 500
"""Stored sessions whose visitors get new events."""


def burst(context: Context) -> None:
    """Make the messages, send them, and return once Kafka has them."""
    made = _MAKERS[context.fault.target](context)
    context.sent += made
    send(kafka_of(context.settings), made)
    size = sum(len(message.value or b"") for message in made)
    context.add_step("sent", f"{len(made):,} messages, {size:,} bytes", level=BAD)


def _known(context: Context) -> list[tuple[int, int, int]]:
    with Presence(postgres_of(context.settings)) as presence:
        return presence.some_sessions(KNOWN_SESSIONS)


def _doubled(context: Context) -> list[RawMessage]:
    """The last messages of each partition, as they are."""
    kafka = kafka_of(context.settings)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            raise missing_topic(kafka.events_topic)
        held = reader.read(topic)
    each = messages.DOUBLED_COUNT // len(held)
    ranges = {number: (max(offsets.begin, offsets.end - each), offsets.end) for number, offsets in held.items()}
    return [
        RawMessage(message.key(), message.value())
        for fetched in read_back(kafka, topic.name, ranges)
        for message in fetched.messages
    ]


_MAKERS: dict[str, Callable[[Context], list[RawMessage]]] = {
    "bad": lambda context: messages.bad(context.dice),
    "late": lambda context: messages.late(context.dice, _known(context)),
    "doubled": _doubled,
    "huge": lambda context: messages.huge(context.dice),
    "clock": lambda context: messages.clock(context.dice, _known(context), round(time.time() * 1000)),
}
