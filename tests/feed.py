"""Somebody else's producer and reader, plain clients that know the contract; and comparing with the definition."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from clickstream.actions.observe.meter import LagMeter, Sample
from clickstream.actions.observe.model import Frame
from clickstream.actions.observe.once import observe_flow
from clickstream.config.paths import Home
from clickstream.config.settings import Settings
from clickstream.services.kafka.admin import create_topic, read_offsets
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres.verify import verify
from tests.oracle import Event, SessionRow, sessions_of

KINDS = ("view", "addtocart", "transaction")

TIMEOUT_MS = 30 * 60_000
START_MS = 1_430_622_004_384


def shop(seed: int, count: int, visitors: int = 50, span_ms: int = 20 * TIMEOUT_MS) -> list[Event]:
    """Events with many sessions a visitor, in order of time, none twice."""
    dice = random.Random(seed)
    events = {
        Event(
            dice.randrange(visitors),
            START_MS + dice.randrange(span_ms),
            dice.choice((0, 0, 0, 1, 2)),
            dice.randrange(9),
        )
        for _ in range(count)
    }
    return sorted(events, key=lambda event: (event.time_ms, event))


def own_names(patch: pytest.MonkeyPatch, home: Home, unique: str) -> None:
    """Let the settings name the servers of `home`, with a topic, a schema and a group that no other test uses."""
    patch.setenv("CLICKSTREAM_HOME", str(home.root))
    for variable in ("KAFKA_EVENTS_TOPIC", "PG_SCHEMA_NAME", "POSTGRESQL_CONSUMER_GROUP_ID"):
        patch.setenv(variable, unique)


def value(event: Event, transaction_id: int | None = None) -> bytes:
    """The event as the contract's JSON."""
    fields = {
        "timestamp": event.time_ms,
        "visitor_id": event.visitor_id,
        "event": KINDS[event.kind],
        "item_id": event.item_id,
        "transaction_id": transaction_id,
    }
    return json.dumps(fields).encode()


def send(settings: Settings, messages: Iterable[Event | tuple[str, bytes | None]]) -> int:
    """Send events, or pairs of key and raw value, and wait for every acknowledgement; how many there were."""
    assert settings.kafka
    refused: list[Any] = []
    producer = Producer(
        {
            **client_config(settings.kafka, client_id="tests"),
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": 2_000_000,
        }
    )
    count = 0
    for message in messages:
        key, payload = (str(message.visitor_id), value(message)) if isinstance(message, Event) else message
        producer.produce(
            settings.kafka.events_topic,
            payload,
            key,
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
        producer.poll(0)
        count += 1
    assert producer.flush(30) == 0
    assert not refused
    return count


def observed(settings: Settings) -> Frame:
    """How the pipeline stands, with rates."""
    return observe_flow(lambda: settings)


def sampled(settings: Settings) -> Sample:
    """Where the topic ends, and how far it is stored."""
    with LagMeter(settings) as meter:
        return meter.sample()


def query(settings: Settings, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a statement, if it brings any, its tables found in the settings' schema."""
    postgres = settings.postgres
    assert postgres
    assert postgres.password
    with psycopg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.user,
        password=postgres.password.get_secret_value(),
        dbname=postgres.database,
        options=f"-c search_path={postgres.schema_name}",
        client_encoding="UTF8",
        autocommit=True,
    ) as connection:
        cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def stored_events(settings: Settings) -> list[Event]:
    """What `events` holds."""
    rows = query(
        settings, "SELECT visitor_id, (extract(epoch FROM event_time) * 1000)::bigint, event::text, item_id FROM events"
    )
    return [Event(visitor, time, KINDS.index(kind), item) for visitor, time, kind, item in rows]


def stored_sessions(settings: Settings) -> list[SessionRow]:
    """What `sessions` holds; columns that follow from others are checked here."""
    rows = query(
        settings,
        "SELECT visitor_id, (extract(epoch FROM session_start) * 1000)::bigint,"
        " (extract(epoch FROM session_end) * 1000)::bigint, view_count, cart_count, transaction_count,"
        " items_viewed, items_carted, items_purchased, session_id, duration_seconds, event_count, converted"
        " FROM sessions",
    )
    sessions = []
    for visitor, start, end, views, carts, purchases, viewed, carted, purchased, *rest in rows:
        assert rest == [f"{visitor}-{start}", (end - start) // 1000, views + carts + purchases, purchases > 0]
        sessions.append(
            SessionRow(visitor, start, end, views, carts, purchases, tuple(viewed), tuple(carted), tuple(purchased))
        )
    return sessions


def all_committed(settings: Settings) -> bool:
    assert settings.kafka
    topic = create_topic(settings.kafka)
    ends = {partition: held.end for partition, held in read_offsets(settings.kafka, topic).items()}
    if not query(settings, "SELECT to_regclass('consumer_offsets') IS NOT NULL")[0][0]:
        return False
    rows = query(settings, "SELECT partition, next_offset FROM consumer_offsets WHERE topic_id = %s", topic.topic_id)
    return dict(rows) == ends


def check(settings: Settings, expected: list[Event]) -> None:
    stored = stored_events(settings)
    assert len(stored) == len(set(stored))
    assert set(stored) == set(expected)
    sessions = stored_sessions(settings)
    assert len(sessions) == len(set(sessions))
    assert set(sessions) == sessions_of(expected, TIMEOUT_MS)
    assert settings.postgres
    assert verify(settings.postgres).different_days == 0
