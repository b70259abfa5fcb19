"""The definition of a session in plain Python, written without a look at the product: what tests compare with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple


class Event(NamedTuple):
    """An event's identity, in the order of the primary key."""

    visitor_id: int
    time_ms: int
    kind: int
    item_id: int


class SessionRow(NamedTuple):
    """One session; item lists ascending and distinct."""

    visitor_id: int
    start_ms: int
    end_ms: int
    views: int
    carts: int
    purchases: int
    viewed: tuple[int, ...]
    carted: tuple[int, ...]
    purchased: tuple[int, ...]


def sessions_of(events: Iterable[Event], timeout_ms: int) -> set[SessionRow]:
    """Sessions of the distinct events: neighbours in time at most the timeout apart."""
    by_visitor: dict[int, list[Event]] = defaultdict(list)
    for event in set(events):
        by_visitor[event.visitor_id].append(event)
    sessions = set()
    for own in by_visitor.values():
        own.sort(key=lambda event: event.time_ms)
        run = [own[0]]
        for event in own[1:]:
            if event.time_ms - run[-1].time_ms > timeout_ms:
                sessions.add(_row(run))
                run = []
            run.append(event)
        sessions.add(_row(run))
    return sessions


def _row(run: list[Event]) -> SessionRow:
    kinds = [[event.item_id for event in run if event.kind == kind] for kind in range(3)]
    viewed, carted, purchased = (tuple(sorted(set(items))) for items in kinds)
    views, carts, purchases = map(len, kinds)
    return SessionRow(
        run[0].visitor_id, run[0].time_ms, run[-1].time_ms, views, carts, purchases, viewed, carted, purchased
    )
