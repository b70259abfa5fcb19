"""Frozen answers to what the funnel screen asks in threads of its own, and a visitor."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from clickstream.actions.funnel import Breakdown, Customer, OrderedFunnel, by_day, by_hour
from clickstream.actions.sessions import Visitor
from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.funnel import Hour
from clickstream.services.postgres.inspect import StoredEvent, StoredSession
from clickstream.tui.app import ClickstreamApp

FIRST_DAY = 16_558
"""Days since 1970: the third of May 2015."""

DAYS = 139


def breakdown() -> Breakdown:
    """A season with weeks and days in it, and one day without anybody."""
    hours = [_hour(day, hour) for day in range(FIRST_DAY, FIRST_DAY + DAYS) for hour in range(24) if day != 16_600]
    return Breakdown(by_day(hours), by_hour(hours), (Customer(1_150_086, 559), Customer(530_559, 286)))


def ordered() -> OrderedFunnel:
    return OrderedFunnel(2_145_179, 52_204, 17_028, 130.4, 2_710.0)


def visitor() -> Visitor:
    """Three sessions: looked, carted, bought."""
    view, cart, buy = "view", "addtocart", "transaction"
    events = [
        _event("2015-05-03T09:14:01.220Z", view, 281_984),
        _event("2015-06-11T20:02:11.000Z", view, 49_379),
        _event("2015-06-11T20:03:40.512Z", cart, 49_379),
        _event("2015-06-11T20:31:02.000Z", view, 7_126),
        _event("2015-08-29T18:40:00.000Z", view, 49_379),
        _event("2015-08-29T18:41:12.000Z", cart, 49_379),
        _event("2015-08-29T18:49:59.100Z", buy, 49_379, 12_345),
    ]
    sessions = [
        _session(events[:1], 0, 0),
        _session(events[1:4], 1_731, 1),
        _session(events[4:], 599, 1),
    ]
    return Visitor(257_597, sessions, events)


def with_postgres(app: ClickstreamApp) -> ClickstreamApp:
    """The app's source says that PostgreSQL is configured, so that the screen asks."""
    source: Any = app.source
    source.settings = replace(source.settings, postgres=PostgresSettings.model_validate({"PG_HOST": "127.0.0.1"}))
    return app


def _hour(day: int, hour: int) -> Hour:
    weekly = 1 + 0.25 * math.sin(2 * math.pi * (day % 7) / 7)
    daily = 1 + 0.8 * math.sin(2 * math.pi * (hour - 15) / 24)
    sessions = round(500 * weekly * daily) + 20
    return Hour(day * 24 + hour, sessions, sessions // 28, sessions // 90)


def _event(time: str, kind: str, item: int, transaction: int | None = None) -> StoredEvent:
    return StoredEvent(time, kind, item, transaction)


def _session(events: list[StoredEvent], seconds: int, carts: int) -> StoredSession:
    views = [event.item_id for event in events if event.event == "view"]
    carted = [event.item_id for event in events if event.event == "addtocart"]
    bought = [event.item_id for event in events if event.event == "transaction"]
    return StoredSession(
        session_id=f"257597-{events[0].event_time}",
        visitor_id=257_597,
        session_start=events[0].event_time,
        session_end=events[-1].event_time,
        duration_seconds=seconds,
        event_count=len(events),
        view_count=len(views),
        cart_count=carts,
        transaction_count=len(bought),
        items_viewed=sorted(set(views)),
        items_carted=sorted(set(carted)),
        items_purchased=sorted(set(bought)),
        converted=bool(bought),
    )
