"""Turns messages into documents, two lines of text each, as a bulk request wants them. Asks no server.

A document's id is its event's identity, and it is created, never overwritten: of two events that differ only in
transaction_id the first stays, as in PostgreSQL, and one that is sent again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clickstream.pipeline.events.decode import Message, decode_messages
from clickstream.services.kafka.consumer import FetchedMessages

LONGEST: Final = 320
"""Bytes of the longest document with its action: its fields have limits, and what else a message holds is left out.
So a bound on the number of documents bounds the bytes of a bulk."""


@dataclass(slots=True)
class Documents:
    """A batch: messages of any partitions, up to an offset in each."""

    messages: list[Any] = field(default_factory=list)
    """Those that are events, in the order of each partition."""
    lines: list[str] = field(default_factory=list)
    """The document of each."""
    read: int = 0
    """Messages read, including those that are not events: the PostgreSQL consumers keep these."""
    next_offsets: dict[int, int] = field(default_factory=dict)

    def add(self, fetched: FetchedMessages) -> None:
        """Take these in, after what is there of the same partition."""
        values = [message.value() for message in fetched.messages]
        events, faults = decode_messages(values)
        no_events = {position for position, _ in faults}
        messages = fetched.messages
        if no_events:
            messages = [message for position, message in enumerate(messages) if position not in no_events]
        self.messages += messages
        self.lines += documents(events)
        self.read += len(values)
        self.next_offsets[fetched.partition] = fetched.next_offset


def documents(events: Sequence[Message]) -> list[str]:
    """The action and the document of each event, a line each."""
    return [
        f'{{"create":{{"_id":"{e.visitor_id}-{e.timestamp}-{e.event}-{e.item_id}"}}}}\n'
        f'{{"event_time":{e.timestamp},"visitor_id":{e.visitor_id},"event":"{e.event}","item_id":{e.item_id},'
        f'"transaction_id":{"null" if e.transaction_id is None else e.transaction_id}}}\n'
        for e in events
    ]
