"""Encodes events as Kafka messages: JSON values and decimal keys (the message contract). Sends nothing."""

from __future__ import annotations

from typing import Final

from clickstream.domain.events import KINDS, NO_TRANSACTION, EventColumns

_NULL: Final = {NO_TRANSACTION: "null"}


def encode_values(events: EventColumns) -> list[str]:
    """One JSON document an event. All of it is ASCII, and nothing in it needs escaping."""
    rows = zip(
        events.time_ms.tolist(),
        events.visitor_id.tolist(),
        [KINDS[kind] for kind in events.kind.tolist()],
        events.item_id.tolist(),
        events.transaction_id.tolist(),
        strict=True,
    )
    return [
        f'{{"timestamp":{time_ms},"visitor_id":{visitor_id},"event":"{kind}","item_id":{item_id},'
        f'"transaction_id":{_NULL.get(transaction_id, transaction_id)}}}'
        for time_ms, visitor_id, kind, item_id, transaction_id in rows
    ]


def encode_keys(events: EventColumns) -> list[str]:
    """The visitor's id, decimal: one visitor's events share a partition, in order."""
    return list(map(str, events.visitor_id.tolist()))
