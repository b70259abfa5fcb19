"""The messages of bursts: ones that a well-behaved producer does not send, or not now. Pure but for the given dice."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS
from clickstream.services.kafka.raw import LARGEST, RawMessage

BAD_COUNT, LATE_COUNT, DOUBLED_COUNT, CLOCK_COUNT = 2_000, 2_000, 2_000, 1_000

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
AHEAD_MS: Final = 50 * 60_000
"""How far a clock jumps ahead: an hour is the most that Kafka takes."""

OVERHEAD: Final = 200
"""Bytes of a message beside its value, generously."""

_GOOD: Final = {"timestamp": 1_430_622_004_384, "visitor_id": 7, "event": "view", "item_id": 9, "transaction_id": None}


def event(visitor: int, time_ms: int, kind: str, item: int, *, timestamp_ms: int | None = None) -> RawMessage:
    """An event as the contract has it."""
    fields = {"timestamp": time_ms, "visitor_id": visitor, "event": kind, "item_id": item, "transaction_id": None}
    return RawMessage(str(visitor).encode(), json.dumps(fields).encode(), timestamp_ms)


def _spoilt(**wrong: object) -> bytes:
    return json.dumps(_GOOD | wrong).encode()


_WORST: Final[tuple[bytes | None, ...]] = (
    None,
    b"",
    b"null",
    b"[]",
    b"{}",
    b"not json",
    b"\x00\xff\xfe\x80 binary \x00",
    b'{"timestamp": 1',
    json.dumps(_GOOD).encode() + b" trailing",
    json.dumps({name: value for name, value in _GOOD.items() if name != "item_id"}).encode(),
    _spoilt(timestamp="yesterday"),
    _spoilt(timestamp=1.5),
    _spoilt(timestamp=-1),
    _spoilt(timestamp=MAX_TIMESTAMP_MS + 1),
    _spoilt(visitor_id=-7),
    _spoilt(visitor_id=MAX_ID + 1),
    _spoilt(visitor_id=None),
    _spoilt(item_id="9"),
    _spoilt(item_id=10**400),
    _spoilt(event="VIEW"),
    _spoilt(event="view\x00"),
    _spoilt(event=1),
    _spoilt(transaction_id=True),
    b'{"timestamp": NaN, "visitor_id": 7, "event": "view", "item_id": 9}',
)


def bad(dice: random.Random, count: int = BAD_COUNT) -> list[RawMessage]:
    """None of them is an event."""
    return [RawMessage(_key(dice), dice.choice(_WORST)) for _ in range(count)]


def late(dice: random.Random, sessions: Sequence[tuple[int, int, int]], count: int = LATE_COUNT) -> list[RawMessage]:
    """New events of visitors whose sessions (visitor, start, end in Unix milliseconds) are stored.

    Days before, between sessions, or close enough to lengthen one.
    """
    messages = []
    for _ in range(count):
        visitor, start, end = dice.choice(sessions) if sessions else (dice.randrange(1000), DAY_MS * 16_000, 0)
        at = dice.choice(
            (
                start - dice.randrange(1, 7 * DAY_MS),
                start - dice.randrange(1, HOUR_MS // 2),
                start + dice.randrange(max(1, end - start)),
                end + dice.randrange(1, HOUR_MS),
            )
        )
        messages.append(event(visitor, max(0, at), dice.choice(KINDS), dice.randrange(1000)))
    return messages


def huge(dice: random.Random) -> list[RawMessage]:
    """As large as Kafka takes, deep, or full of what steers a terminal; some are events all the same."""
    room = LARGEST - OVERHEAD
    visitor = dice.randrange(1000)
    steering = "\x1b[2J\x1b]0;owned\x07\x1b[31m\u202e\x9b\x00"
    wide = _spoilt(visitor_id=visitor, note="")
    values = (
        b"x" * room,
        dice.randbytes(room),
        b"[" * room,
        b'{"a":' * (room // 5),
        wide[:-2] + b"x" * (room - len(wide)) + wide[-2:],
        (steering * (room // 20)).encode()[:room],
        _spoilt(event=steering),
        _spoilt(visitor_id=visitor, item_id=8, note=steering),
        _spoilt(visitor_id=visitor).replace(b"null", b"[" * 50_000 + b"]" * 50_000),
        _spoilt(item_id=int("9" * 4_000)),
    )
    return [RawMessage(str(visitor).encode(), value) for value in values for _ in range(2)]


def clock(
    dice: random.Random, sessions: Sequence[tuple[int, int, int]], now_ms: int, count: int = CLOCK_COUNT
) -> list[RawMessage]:
    """New events of known visitors from a machine whose clock goes wrong: in what they say of their time, and in the
    record timestamps."""
    newest = max((end for _, _, end in sessions), default=DAY_MS * 16_000)
    messages = []
    for number in range(count):
        visitor = dice.choice(sessions)[0] if sessions else dice.randrange(1000)
        jump = -HOUR_MS if number < count // 2 else AHEAD_MS
        at = newest + jump + dice.randrange(60_000)
        messages.append(event(visitor, at, dice.choice(KINDS), dice.randrange(1000), timestamp_ms=now_ms + jump))
    return messages


def _key(dice: random.Random) -> bytes:
    return str(dice.randrange(1000)).encode()
