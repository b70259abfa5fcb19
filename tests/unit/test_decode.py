"""Decoding message values: what is an event becomes a row, whatever else is singled out with a reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS
from clickstream.pipeline.events.decode import decode
from clickstream.pipeline.events.reasons import LONGEST_REASON

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
    assert all(reason.isprintable() and 0 < len(reason) <= LONGEST_REASON for _, reason in faults)
    assert not any("`" in reason or "Expected" in reason or "twice" in reason for _, reason in faults)
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
@example([b'{"timestamp": ' + b"9" * 9000 + b"}", b'{"event": "' + b"x" * 9000 + b'"}'])
def test_no_bytes_make_it_fail(values: list[bytes | None]) -> None:
    events, faults = decode(values)
    assert len(events) + len(faults) == len(values)
    assert all(reason.isprintable() and 0 < len(reason) <= LONGEST_REASON for _, reason in faults)


def test_two_halves_of_an_event_are_two_faults() -> None:
    whole = b'{"timestamp":1,"visitor_id":1,"event":"view","item_id":1}'
    _, faults = decode([whole[:20], whole[20:]])
    assert len(faults) == 2


WHOLE = b'{"timestamp":1,"visitor_id":2,"event":"view","item_id":3}'


def with_field(name: str, value: str) -> bytes:
    """The whole event with this JSON as one of its fields, added last where there is none."""
    fields = {"timestamp": "1", "visitor_id": "2", "event": '"view"', "item_id": "3"} | {name: value}
    return ("{" + ",".join(f'"{key}":{text}' for key, text in fields.items()) + "}").encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (with_field("visitor_id", '"abc"'), 'visitor_id is not a whole number: "abc"'),
        (with_field("visitor_id", "null"), "visitor_id is not a whole number: null"),
        (with_field("visitor_id", "true"), "visitor_id is not a whole number: true"),
        (with_field("item_id", "1.5"), "item_id is not a whole number: 1.5"),
        (with_field("item_id", '[1, "\x7f"]'), r'item_id is not a whole number: [1, "\x7f"]'),
        (with_field("timestamp", "-5"), "timestamp is negative: -5"),
        (with_field("transaction_id", "-1"), "transaction_id is negative: -1"),
        (with_field("transaction_id", '"7"'), 'transaction_id is not a whole number: "7"'),
        (with_field("item_id", str(MAX_ID + 1)), f"item_id is larger than {MAX_ID}: {MAX_ID + 1}"),
        (with_field("item_id", "1e400"), f"item_id is larger than {MAX_ID}: 1e400"),
        (with_field("item_id", "9" * 100), f"item_id is larger than {MAX_ID}: {'9' * 39}…"),
        (with_field("item_id", "-" + "9" * 100), f"item_id is negative: -{'9' * 38}…"),
        (with_field("event", '"buy"'), 'event must be view, addtocart or transaction, not "buy"'),
        (with_field("event", "7"), "event must be view, addtocart or transaction, not 7"),
        (b'{"visitor_id":1,"event":"view","item_id":1}', "timestamp is missing"),
        (b'{"timestamp":1}', "visitor_id is missing"),
        (b"{}", "timestamp is missing"),
        (WHOLE[:-1] + b',"item_id":"x"}', 'item_id is not a whole number: "x"'),
        (b'{"item_id":"x",' + WHOLE[1:], "item_id is given twice, once with a value that does not fit"),
        (b"[1]", "not a JSON object but a list"),
        (b" 12", "not a JSON object but a number"),
        (b'"text"', "not a JSON object but text"),
        (b"null", "not a JSON object but null"),
        (b"1,2,view,3,", "not JSON: trailing characters at byte 2"),
        (WHOLE[:20], "not JSON: it ends too early"),
        (b'{"timestamp":"x",', "not JSON: it ends too early"),
        (b'{"event":"\xff"}', "not text in UTF-8"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        (b"", "an empty message"),
        (None, "no value"),
    ],
)
def test_the_reason_is_in_plain_words(value: bytes | None, reason: str) -> None:
    _, faults = decode([value])
    assert faults == [(0, reason)]
