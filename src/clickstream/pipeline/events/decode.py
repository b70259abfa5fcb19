"""Decodes message values into event columns; a message that is not an event is kept whole, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import numpy as np

from clickstream.domain.events import (
    KINDS,
    MAX_ID,
    MAX_TIMESTAMP_MS,
    NO_TRANSACTION,
    EventColumns,
    EventKind,
)
from clickstream.pipeline.events.reasons import reason_for

_Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]


class Message(msgspec.Struct, gc=False):
    """A message's value; unknown fields are ignored."""

    timestamp: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_MS)]
    visitor_id: _Id
    event: EventKind
    item_id: _Id
    transaction_id: _Id | None = None


_decode = msgspec.json.Decoder(Message).decode
_CODES: Final[dict[str, int]] = {kind: code for code, kind in enumerate(KINDS)}
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(values: Sequence[bytes | None]) -> tuple[EventColumns, list[tuple[int, str]]]:
    """Decode message values one by one.

    (Never joined into one array: two broken messages could then pass for valid events.)

    Returns:
        The events, in order, and for each value that is none its position and the reason.
    """
    messages, faults = decode_messages(values)
    return _columns(messages), faults


def decode_messages(values: Sequence[bytes | None]) -> tuple[list[Message], list[tuple[int, str]]]:
    """The same, with the events one by one."""
    try:
        return list(map(_decode, values)), []  # type: ignore[arg-type]
    except (*_FAULTS, TypeError):
        return _decode_singly(values)


def _decode_singly(values: Sequence[bytes | None]) -> tuple[list[Message], list[tuple[int, str]]]:
    messages, faults = [], []
    for position, value in enumerate(values):
        if value is None:
            faults.append((position, "no value"))
            continue
        try:
            messages.append(_decode(value))
        except _FAULTS as error:
            faults.append((position, reason_for(value, error)))
    return messages, faults


def _columns(messages: list[Message]) -> EventColumns:
    codes, none, count = _CODES, NO_TRANSACTION, len(messages)
    transactions = [none if m.transaction_id is None else m.transaction_id for m in messages]
    return EventColumns(
        time_ms=np.fromiter([m.timestamp for m in messages], np.int64, count),
        visitor_id=np.fromiter([m.visitor_id for m in messages], np.int64, count),
        kind=np.fromiter([codes[m.event] for m in messages], np.int8, count),
        item_id=np.fromiter([m.item_id for m in messages], np.int64, count),
        transaction_id=np.fromiter(transactions, np.int64, count),
    )
