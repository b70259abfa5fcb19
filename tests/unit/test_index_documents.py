"""Messages become documents: one a message that is an event, with its identity as its id and its fields as they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS
from clickstream.pipeline.events.decode import Message
from clickstream.pipeline.indexer.documents import LONGEST, Documents, documents
from clickstream.services.kafka.consumer import FetchedMessages

IDS = st.integers(0, MAX_ID)
EVENTS = st.builds(
    Message,
    timestamp=st.integers(0, MAX_TIMESTAMP_MS),
    visitor_id=IDS,
    event=st.sampled_from(KINDS),
    item_id=IDS,
    transaction_id=st.none() | IDS,
)


class MessageStandIn:
    """A message of Kafka."""

    def __init__(self, offset: int, value: bytes | None) -> None:
        self._offset, self._value = offset, value

    def value(self) -> bytes | None:
        return self._value

    def offset(self) -> int:
        return self._offset


@given(EVENTS)
def test_action_and_document_say_what_the_event_says(event: Message) -> None:
    [text] = documents([event])
    action, document, rest = text.split("\n")
    assert rest == ""
    assert json.loads(action) == {
        "create": {"_id": f"{event.visitor_id}-{event.timestamp}-{event.event}-{event.item_id}"}
    }
    assert json.loads(document) == {
        "event_time": event.timestamp,
        "visitor_id": event.visitor_id,
        "event": event.event,
        "item_id": event.item_id,
        "transaction_id": event.transaction_id,
    }


def test_no_document_is_longer_than_what_bounds_a_bulk() -> None:
    longest = Message(MAX_TIMESTAMP_MS, MAX_ID, "transaction", MAX_ID, MAX_ID)
    assert len(documents([longest])[0]) <= LONGEST


@given(st.lists(EVENTS | st.none() | st.just(b"not json") | st.just(b'{"timestamp": -1}'), max_size=30))
def test_what_is_not_an_event_is_left_out_and_every_line_has_its_message(values: list[Message | bytes | None]) -> None:
    told: list[Any] = [
        MessageStandIn(7 + place, msgspec.json.encode(one) if isinstance(one, Message) else one)
        for place, one in enumerate(values)
    ]
    batch = Documents()
    if told:
        batch.add(FetchedMessages(2, told))
    events = [one for one in values if isinstance(one, Message)]
    assert batch.lines == documents(events)
    assert [msgspec.json.decode(one.value(), type=Message) for one in batch.messages] == events
    assert batch.read == len(values)
    assert batch.next_offsets == ({2: 7 + len(values)} if values else {})


def test_a_batch_holds_messages_of_several_partitions() -> None:
    batch = Documents()
    for partition, offset in ((0, 4), (1, 9), (0, 5)):
        event = Message(offset, partition, "view", 1)
        batch.add(FetchedMessages(partition, [MessageStandIn(offset, msgspec.json.encode(event))]))
    assert batch.next_offsets == {0: 6, 1: 10}
    assert (batch.read, len(batch.lines)) == (3, 3)
