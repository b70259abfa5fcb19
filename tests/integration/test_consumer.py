"""Consumers on real servers: whatever comes, in whatever order, PostgreSQL ends up with what the definition says."""

from __future__ import annotations

import random

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import OffsetLost
from clickstream.domain.events import MAX_TIMESTAMP_MS
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.kafka.config import client_config
from tests.consuming import consumers, drain
from tests.feed import START_MS, all_committed, check, query, send, shop, stored_events, value
from tests.oracle import Event
from tests.waiting import wait_until


@pytest.mark.parametrize("count", [1, 3])
def test_events_in_order_become_events_and_sessions(settings: Settings, count: int) -> None:
    events = shop(1, 3000)
    send(settings, events)
    drain(settings, count)
    check(settings, events)


def test_late_doubled_and_broken_messages_of_another_producer(settings: Settings) -> None:
    events = shop(2, 2000)
    late = random.Random(3).sample(events, 300)
    in_time = [event for event in events if event not in set(late)]
    broken: list[tuple[str, bytes | None]] = [
        ("1", b"not json"),
        ("1", None),
        ("1", b""),
        ("2", b'{"timestamp": -1, "visitor_id": 2, "event": "view", "item_id": 1}'),
        ("2", b'{"timestamp": 1, "visitor_id": 2, "event": "buy", "item_id": 1, "transaction_id": null}'),
        ("3", b'{"timestamp": 1, "visitor_id": 9223372036854775808, "event": "view", "item_id": 1}'),
        ("4", value(Event(4, START_MS, 0, 1)) + b"," + value(Event(4, START_MS, 0, 2))),
        ("5", b"\xff\x00{"),
        ("6", b"[" * 100_000),
    ]
    send(settings, in_time[:1000])
    drain(settings)
    send(settings, [*broken, *in_time[500:], *late, *late])
    drain(settings)
    check(settings, events)
    rejected = query(settings, "SELECT key, payload, reason FROM rejected_events")
    assert sorted(
        (bytes(key).decode(), payload and bytes(payload)) for key, payload, _ in rejected if payload is not None
    ) == sorted(pair for pair in broken if pair[1] is not None)
    assert len(rejected) == len(broken)
    assert all(reason for _, _, reason in rejected)


def test_extreme_values_are_kept_exactly(settings: Settings) -> None:
    top = 2**63 - 1
    events = [Event(0, 0, 0, 0), Event(top, MAX_TIMESTAMP_MS, 2, top), Event(top, MAX_TIMESTAMP_MS - 1, 1, 0)]
    send(settings, events)
    drain(settings)
    check(settings, events)


@pytest.mark.slow
def test_shuffled_events_over_restarts(settings: Settings) -> None:
    events = shop(4, 2000, visitors=20)
    shuffled = random.Random(5).sample(events, len(events))
    for part in range(4):
        send(settings, shuffled[part * 500 : (part + 1) * 500])
        drain(settings, count=1 + part % 3)
    check(settings, events)


@pytest.mark.slow
def test_scaling_up_and_down_while_events_flow(settings: Settings) -> None:
    events = shop(6, 6000)
    with consumers(settings):
        send(settings, events[:2000])
        with consumers(settings, 2):
            send(settings, events[2000:4000])
        send(settings, events[4000:])
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, events)


def test_two_consumers_that_both_believe_they_own_a_partition(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two groups, each with all partitions for one member: only the compare-and-set on the offset is between them."""
    events = shop(7, 6000)
    monkeypatch.setenv("POSTGRESQL_CONSUMER_GROUP_ID", f"{settings.pipeline.consumer_group_id}-zombie")
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "50")
    with consumers(settings), consumers(load_settings()):
        send(settings, events)
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, events)


@pytest.mark.slow
def test_a_topic_deleted_and_created_again_under_a_running_consumer(settings: Settings) -> None:
    assert settings.kafka
    events = shop(8, 2000)
    send(settings, events[:800])
    with consumers(settings) as (worker,):
        wait_until(lambda: all_committed(settings), "everything committed")
        delete_topic(settings.kafka, settings.kafka.events_topic)
        create_topic(settings.kafka)
        send(settings, events[500:])
        wait_until(lambda: worker.failure is not None, "noticed")
        assert "created again" in str(worker.failure) or "gone" in str(worker.failure)
        worker.failure = None
    drain(settings)
    check(settings, events)


def test_marks_of_transactions_are_passed_over(settings: Settings) -> None:
    assert settings.kafka
    events = shop(9, 300)
    producer = Producer(
        {
            **client_config(settings.kafka, client_id="tests"),
            "transactional.id": "somebody",
            "partitioner": "murmur2_random",
        }
    )
    producer.init_transactions(30)
    for part in (events[:100], events[100:200]):
        producer.begin_transaction()
        for event in part:
            producer.produce(settings.kafka.events_topic, value(event), str(event.visitor_id))
        producer.commit_transaction(30)
    drain(settings)
    check(settings, events[:200])
    send(settings, events[200:])
    drain(settings)
    check(settings, events)


def test_latest_skips_what_was_there_and_nothing_of_partitions_that_come_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.kafka
    monkeypatch.setenv("CONSUMER_AUTO_OFFSET_RESET", "latest")
    latest = load_settings()
    events = shop(10, 900)
    send(settings, events[:300])
    drain(latest, count=2)
    check(settings, [])
    send(settings, events[300:600])
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        admin.create_partitions([NewPartitions(settings.kafka.events_topic, 5)])[settings.kafka.events_topic].result(10)
    late = [
        (str(event.visitor_id + 1000), value(event._replace(visitor_id=event.visitor_id + 1000))) for event in events
    ]
    send(settings, late)
    drain(latest)
    check(settings, [*events[300:600], *(event._replace(visitor_id=event.visitor_id + 1000) for event in events)])


def test_messages_that_are_not_keyed_by_visitor_are_told_and_stored_right(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    events = shop(12, 900)
    send(settings, [(str(number), value(event)) for number, event in enumerate(events)])
    drain(settings)
    assert "at home in another" in caplog.text
    check(settings, events)


def test_messages_that_kafka_removed_stop_the_consumer_until_the_gap_is_accepted(settings: Settings) -> None:
    assert settings.kafka
    events = shop(13, 900)
    send(settings, events[:300])
    drain(settings)
    send(settings, events[300:600])
    ends = {row[0]: row[1] for row in query(settings, "SELECT partition, next_offset FROM consumer_offsets")}
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        place = TopicPartition(settings.kafka.events_topic, 1, ends[1] + 10)
        admin.delete_records([place])[place].result(10)
    with consumers(settings) as (worker,):
        wait_until(lambda: worker.failure is not None, "stopped")
        assert isinstance(worker.failure, OffsetLost)
        assert f"must go on at offset {ends[1]}" in str(worker.failure)
        worker.failure = None
    assert not query(settings, "SELECT FROM offset_gaps")
    with consumers(settings, accept_gap=True):
        send(settings, events[600:])
        wait_until(lambda: all_committed(settings), "everything committed")
    assert query(settings, "SELECT partition, from_offset, to_offset FROM offset_gaps") == [(1, ends[1], ends[1] + 10)]
    assert len(stored_events(settings)) == len(events) - 10
