"""Visitors move between partitions, or were never bound to one: what is stored is what the definition says.

A topic grows under a backlog, a running producer, late and doubled events, kills and rewinds; and messages come from
producers that place them otherwise.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Producer

from clickstream.actions import rewind, topic
from clickstream.actions.processes import consumers as processes
from clickstream.actions.processes.by_name import kill
from clickstream.actions.verify import sessions as verify
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.target import Target
from clickstream.services.kafka.admin import create_topic, delete_topic, describe_topic
from clickstream.services.kafka.config import client_config
from tests.consuming import consumers, drain
from tests.feed import all_committed, check, query, send, shop, value
from tests.oracle import Event
from tests.waiting import wait_until

IndexPosition = Callable[[Event], dict[str, Any]]

EARLIEST = Target.of("earliest")


def by_visitor(event: Event) -> dict[str, Any]:
    return {"key": str(event.visitor_id)}


def without_key(_: Event) -> dict[str, Any]:
    return {}


def made_with(settings: Settings, monkeypatch: pytest.MonkeyPatch, partitions: int) -> Settings:
    """The settings' topic, created again with so many partitions."""
    assert settings.kafka
    monkeypatch.setenv("KAFKA_EVENTS_TOPIC_PARTITIONS", str(partitions))
    delete_topic(settings.kafka, settings.kafka.events_topic)
    loaded = load_settings()
    assert loaded.kafka
    create_topic(loaded.kafka)
    return loaded


def partitions_of(settings: Settings) -> int:
    assert settings.kafka
    found = describe_topic(settings.kafka, settings.kafka.events_topic)
    assert found
    return found.partitions


@contextmanager
def sending(
    settings: Settings,
    events: Sequence[Event],
    *,
    partitioner: str = "murmur2_random",
    place: IndexPosition = by_visitor,
    rate: float = 4000,
) -> Iterator[threading.Thread]:
    """One producer that sends them, evenly, in a thread; the block ends with it. It hears of new partitions late."""
    assert settings.kafka
    topic_name, refused = settings.kafka.events_topic, list[Any]()
    producer = Producer(
        {
            **client_config(settings.kafka, client_id="tests"),
            "partitioner": partitioner,
            "sticky.partitioning.linger.ms": 0,
            "linger.ms": 5,
            "topic.metadata.refresh.interval.ms": 700,
        }
    )

    def work() -> None:
        pace = threading.Event()
        for number, event in enumerate(events):
            producer.produce(
                topic_name,
                value(event),
                on_delivery=lambda error, _: refused.append(error) if error else None,
                **place(event),
            )
            if number % 100 == 99:
                producer.poll(0)
                pace.wait(100 / rate)
        producer.flush(30)

    thread = threading.Thread(target=work, name="sending")
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)
    assert not thread.is_alive()
    assert not refused


def finish(settings: Settings, events: Sequence[Event]) -> None:
    """Everything is stored and right; and so it is when everything was read once more."""
    check(settings, list(events))
    assert verify.verify(settings).ok
    rewind.rewind(settings, EARLIEST)
    drain(settings, count=2)
    check(settings, list(events))
    assert verify.verify(settings).ok


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 5)])
def test_a_topic_that_grows_while_consumers_are_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    """Of each session some events are stored, some lie in the old partition, some come to the new one."""
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "200")
    settings = made_with(settings, monkeypatch, before)
    events = shop(21, 6000, visitors=1500)
    dice = random.Random(22)
    late = set(dice.sample(events[:2000], 300))
    send(settings, [event for event in events[:2000] if event not in late])
    drain(settings, count=before)
    backlog = {event for event in events[2000:] if dice.random() < 0.5}
    send(settings, sorted(backlog, key=lambda event: event.time_ms))
    assert topic.resize(settings, after).before == before
    rest = [event for event in events[2000:] if event not in backlog]
    send(settings, [*rest[:1000], *late, *dice.sample(events[:2000], 300), *rest[1000:]])
    drain(settings, count=after)
    finish(settings, events)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 5)])
def test_a_topic_that_grows_under_a_backlog_and_a_running_producer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    """Old partitions hold a backlog of visitors whose newer, late and doubled events come to new ones meanwhile."""
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "100")
    settings = made_with(settings, monkeypatch, before)
    events = shop(24, 12_000, visitors=3000)
    dice = random.Random(25)
    late = set(dice.sample(events, 1000))
    in_time = [event for event in events if event not in late]
    send(settings, in_time[:4000])
    mixed = [*in_time[4000:], *late, *dice.sample(in_time[:4000], 1000)]
    mixed.sort(key=lambda event: (event.time_ms + dice.randrange(3_600_000), event))
    processes.prepare(settings)
    with consumers(settings, after), sending(settings, mixed):
        wait_until(lambda: committed(settings) > 500, "in the middle of the backlog")
        topic.resize(settings, after)
        wait_until(lambda: partitions_seen(settings) == after, "the new partitions are read")
    drain(settings, count=after)
    finish(settings, events)


def committed(settings: Settings) -> int:
    return int(query(settings, "SELECT coalesce(sum(next_offset), 0) FROM consumer_offsets")[0][0])


def partitions_seen(settings: Settings) -> int:
    return int(query(settings, "SELECT count(*) FROM consumer_offsets")[0][0])


@pytest.mark.slow
def test_kill_9_while_the_topic_grows(settings: Settings, monkeypatch: pytest.MonkeyPatch, workers_stop: None) -> None:
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "100")
    settings = made_with(settings, monkeypatch, 2)
    events = shop(26, 10_000, visitors=2500)
    dice = random.Random(27)
    late = set(dice.sample(events, 800))
    in_time = [event for event in events if event not in late]
    backlog = {event for event in in_time if dice.random() < 0.4}
    send(settings, sorted(backlog, key=lambda event: event.time_ms))
    rest = [event for event in in_time if event not in backlog]
    mixed = [*rest[:3000], *late, *dice.sample(in_time[:3000], 500), *rest[3000:]]
    topic.resize(settings, 4)
    with sending(settings, mixed, rate=1500):
        processes.start(settings)
        for name in ("consumer-0", "consumer-2", "consumer-1"):
            seen = committed(settings)
            wait_until(lambda seen=seen: committed(settings) > seen + 300, "some more were stored")  # type: ignore[misc]
            kill(settings, name)
    wait_until(lambda: all_committed(settings), "everything committed")
    processes.stop(settings)
    finish(settings, events)


@pytest.mark.slow
def test_messages_without_a_key_while_the_topic_grows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "200")
    settings = load_settings()
    events = shop(28, 4000, visitors=1000)
    mixed = [*events, *random.Random(29).sample(events, 400)]
    processes.prepare(settings)
    with consumers(settings, 3), sending(settings, mixed, place=without_key):
        wait_until(lambda: committed(settings) > 1000, "some were stored")
        topic.resize(settings, 5)
        wait_until(lambda: partitions_seen(settings) == 5, "the new partitions are read")
    drain(settings, count=3)
    finish(settings, events)


@pytest.mark.slow
def test_two_producers_that_place_visitors_otherwise(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's Java clients hash the key with murmur2, librdkafka's own default is crc32; both send of every visitor."""
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "200")
    settings = load_settings()
    events = shop(30, 5000, visitors=1200)
    dice = random.Random(31)
    ours = [event for event in events if dice.random() < 0.6]
    theirs = [event for event in events if event not in set(ours)] + dice.sample(ours, 500)
    with consumers(settings, 2), sending(settings, ours), sending(settings, theirs, partitioner="consistent_random"):
        pass
    drain(settings, count=2)
    finish(settings, events)


@pytest.mark.slow
def test_two_topics_with_the_same_visitors_in_one_schema(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own group of consumers, at work at the same time."""
    assert settings.kafka
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "200")
    settings = load_settings()
    monkeypatch.setenv("KAFKA_EVENTS_TOPIC", f"{settings.kafka.events_topic}-beside")
    monkeypatch.setenv("POSTGRESQL_CONSUMER_GROUP_ID", f"{settings.pipeline.consumer_group_id}-beside")
    monkeypatch.setenv("KAFKA_EVENTS_TOPIC_PARTITIONS", "2")
    beside = load_settings()
    assert beside.kafka
    create_topic(beside.kafka)
    try:
        events = shop(32, 5000, visitors=1200)
        dice = random.Random(33)
        here = [event for event in events if dice.random() < 0.5]
        there = [event for event in events if event not in set(here)] + dice.sample(here, 500)
        with consumers(settings, 2), consumers(beside, 2), sending(settings, here), sending(beside, there):
            pass
        drain(settings)
        drain(beside)
        check(settings, events)
        rewind.rewind(beside, EARLIEST)
        rewind.rewind(settings, EARLIEST)
        with consumers(settings, 2), consumers(beside):
            wait_until(lambda: all_committed(settings) and all_committed(beside), "everything committed")
        check(settings, events)
        assert verify.verify(settings).ok
    finally:
        delete_topic(beside.kafka, beside.kafka.events_topic)


def test_the_command(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    name = settings.kafka.events_topic  # type: ignore[union-attr]

    def answer(code: int, *line: str) -> str:
        assert run(["topic", "resize", *line]) == code
        return capsys.readouterr().err

    assert f"{name}: 3 → 5 partitions" in answer(0, "5")
    assert "has 5 partitions already" in answer(0, "5")
    assert "Kafka cannot take any away (`clickstream data reset` recreates it" in answer(2, "4")
    assert "at most 1000" in answer(2, "1001")
    assert "too small: the lowest is 1" in answer(2, "0")
    assert partitions_of(settings) == 5
    assert settings.kafka
    delete_topic(settings.kafka, name)
    assert "does not exist" in answer(1, "6")
    create_topic(settings.kafka)
