"""Decoding message values: what is an event becomes a row, whatever else is singled out with a reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS
from clickstream.pipeline.decode import decode

numbers = st.one_of(
    st.integers(0, MAX_ID), st.integers(-(2**70), 2**70), st.sampled_from([0, MAX_ID, MAX_ID + 1, MAX_TIMESTAMP_MS])
)
anything = st.one_of(numbers, st.none(), st.text(max_size=5), st.floats(), st.booleans(), st.just([]))
fields = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.one_of(st.integers(0, MAX_TIMESTAMP_MS), anything),
        "visitor_id": anything,
        "event": st.one_of(st.sampled_from(KINDS), anything),
        "item_id": anything,
        "transaction_id": anything,
        "colour": anything,
    },
)
good = st.fixed_dictionaries(
    {
        "timestamp": st.integers(0, MAX_TIMESTAMP_MS),
        "visitor_id": st.integers(0, MAX_ID),
        "event": st.sampled_from(KINDS),
        "item_id": st.integers(0, MAX_ID),
        "transaction_id": st.one_of(st.none(), st.integers(0, MAX_ID)),
    }
)


def valid(message: Any) -> bool:
    """The contract, spelt out."""

    def whole(value: Any, top: int) -> bool:
        if isinstance(value, float) and value.is_integer():  # JSON knows one kind of number
            value = int(value)
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top

    return (
        isinstance(message, dict)
        and whole(message.get("timestamp"), MAX_TIMESTAMP_MS)
        and whole(message.get("visitor_id"), MAX_ID)
        and message.get("event") in KINDS
        and whole(message.get("item_id"), MAX_ID)
        and (message.get("transaction_id") is None or whole(message["transaction_id"], MAX_ID))
    )


@given(st.lists(st.one_of(good, fields, anything), max_size=8))
def test_valid_messages_become_rows_and_all_others_are_singled_out(messages: list[Any]) -> None:
    events, faults = decode([b"NaN" if _nan(message) else json.dumps(message).encode() for message in messages])
    expected = [message for message in messages if valid(message)]
    assert [position for position, _ in faults] == [i for i, message in enumerate(messages) if not valid(message)]
    assert all(reason for _, reason in faults)
    rows = zip(
        events.time_ms.tolist(),
        events.visitor_id.tolist(),
        events.kind.tolist(),
        events.item_id.tolist(),
        events.transaction_id.tolist(),
        strict=True,
    )
    assert list(rows) == [
        (
            int(m["timestamp"]),
            int(m["visitor_id"]),
            KINDS.index(m["event"]),
            int(m["item_id"]),
            -1 if m.get("transaction_id") is None else int(m["transaction_id"]),
        )
        for m in expected
    ]


def _nan(message: Any) -> bool:
    values = message.values() if isinstance(message, dict) else [message]
    return any(isinstance(value, float) and not math.isfinite(value) for value in values)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=6))
@example([b'{"timestamp":1,"visitor_id":1,"event":"view","item_id":1},{}'])
@example([b"[" * 100_000])
@example([b'{"event": "\xff"}'])
def test_no_bytes_make_it_fail(values: list[bytes | None]) -> None:
    events, faults = decode(values)
    assert len(events) + len(faults) == len(values)


def test_two_halves_of_an_event_are_two_faults() -> None:
    whole = b'{"timestamp":1,"visitor_id":1,"event":"view","item_id":1}'
    _, faults = decode([whole[:20], whole[20:]])
    assert len(faults) == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"timestamp":1,"visitor_id":1,"event":"buy","item_id":1}', "$.event"),
        (b'{"timestamp":-5,"visitor_id":1,"event":"view","item_id":1}', "$.timestamp"),
        (b'{"visitor_id":1,"event":"view","item_id":1}', "`timestamp`"),
        (None, "no value"),
    ],
)
def test_the_reason_names_the_field(value: bytes | None, reason: str) -> None:
    _, faults = decode([value])
    assert reason in faults[0][1]
