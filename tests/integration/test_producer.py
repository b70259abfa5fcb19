"""The producer on a real broker: everything arrives once, keyed and in order; nothing is lost silently."""

from __future__ import annotations

import dataclasses
import json
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from clickstream.config.settings import KafkaSettings, Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.pace import Pace
from clickstream.pipeline.events.csvfile.rejects import read_rejects
from clickstream.pipeline.producer.worker import ProducerOptions, run
from clickstream.services.kafka.config import client_config
from clickstream.services.kafka.producer import WITHOUT_BROKERS, EventProducer

HEADER = "timestamp,visitorid,event,itemid,transactionid"
START_MS = 1_430_622_000_000


def kafka(settings: Settings) -> KafkaSettings:
    assert settings.kafka
    return settings.kafka


def write_events(path: Path, count: int, extra: list[str] | None = None) -> Path:
    """A shuffled file of `count` distinct events of 50 visitors, 100 ms apart, with `extra` lines strewn in."""
    lines = []
    for number in range(count):
        kind, transaction = ("transaction", str(number)) if number % 10 == 9 else ("view", "")
        lines.append(f"{START_MS + 100 * number},{number % 50},{kind},{number},{transaction}")
    lines += extra or []
    random.Random(1).shuffle(lines)
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def stored(settings: Settings) -> list[Message]:
    """All messages of the topic, partition by partition, in order of offset."""
    topic = kafka(settings).events_topic
    consumer = Consumer(
        {**client_config(kafka(settings), client_id="tests"), "group.id": "test", "enable.auto.commit": False}
    )
    try:
        messages: list[Message] = []
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            if low == high:
                continue
            consumer.assign([TopicPartition(topic, partition, low)])
            found: list[Message] = []
            while len(found) < high - low:
                found += consumer.consume(high - low - len(found), timeout=1)
            messages += found
        return messages
    finally:
        consumer.close()


def values(messages: list[Message]) -> list[dict[str, object]]:
    return [json.loads(message.value() or b"") for message in messages]


def test_every_event_arrives_once_keyed_and_in_order_of_time(settings: Settings, tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.csv", 5000)
    before = time.time() * 1000
    assert run(settings, ProducerOptions(path), stop=threading.Event()) == 0
    messages = stored(settings)
    assert Counter(value["item_id"] for value in values(messages)) == Counter(range(5000))
    partitions = defaultdict(set)
    last: dict[int | None, int] = {}
    for message, value in zip(messages, values(messages), strict=True):
        number = value["item_id"]
        assert isinstance(number, int)
        bought = number % 10 == 9
        assert value == {
            "timestamp": START_MS + 100 * number,
            "visitor_id": number % 50,
            "event": "transaction" if bought else "view",
            "item_id": number,
            "transaction_id": number if bought else None,
        }
        assert message.key() == str(number % 50).encode()
        assert message.timestamp()[1] >= before - 1, "the time of sending"
        assert last.get(message.partition(), -1) < number
        last[message.partition()] = number
        partitions[message.key()].add(message.partition())
    # What Java's client makes of the key "21": murmur2 is -973932308, its sign bit is cleared.
    assert partitions[b"21"] == {(-973932308 & 0x7FFFFFFF) % kafka(settings).partitions}
    assert all(len(found) == 1 for found in partitions.values())


def test_the_limit_is_by_time_and_a_second_run_sends_again(settings: Settings, tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.csv", 1000)
    for _ in range(2):
        assert run(settings, ProducerOptions(path, limit=100), stop=threading.Event()) == 0
    assert Counter(value["item_id"] for value in values(stored(settings))) == dict.fromkeys(range(100), 2)


def test_bad_lines_are_kept_and_counted(settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_events(tmp_path / "events.csv", 100, extra=["1,2,buy,3,", "broken"])
    before = set(settings.home.rejects.iterdir())
    assert run(settings, ProducerOptions(path, report=True), stop=threading.Event()) == 0
    assert len(stored(settings)) == 100
    (rejects,) = set(settings.home.rejects.iterdir()) - before
    lines = path.read_bytes().splitlines()
    bad = read_rejects(rejects)
    assert sorted(line.text for line in bad) == [b"1,2,buy,3,", b"broken"]
    assert all(lines[line.line - 1] == line.text for line in bad)
    report = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert report["state"] == "done"
    assert report["events"] == 100
    assert report["counters"] == {"total": 100, "failed": 0, "bad_lines": 2}


def test_a_stop_ends_it_and_says_how_many_were_acknowledged(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_events(tmp_path / "events.csv", 2000)
    stop = threading.Event()
    threading.Timer(1.5, stop.set).start()
    started = time.monotonic()
    assert run(settings, ProducerOptions(path, pace=Pace(rate=100), report=True), stop=stop) == 0
    assert time.monotonic() - started < 15, "2000 events take 20 s at this rate"
    report = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert report["state"] == "stopping"
    count = len(stored(settings))
    assert report["events"] == count
    assert 0 < count < 2000
    assert {value["item_id"] for value in values(stored(settings))} == set(range(count))


def test_event_time_sets_the_pace(settings: Settings, tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.csv", 21)
    assert run(settings, ProducerOptions(path, pace=Pace(realtime=2.0)), stop=threading.Event()) == 0
    sent = sorted(message.timestamp()[1] for message in stored(settings))
    assert sent[-1] - sent[0] >= 900, "2 s of event time, twice as fast"


def test_what_kafka_refuses_is_counted_and_fails_the_run(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = ConfigResource(
        ConfigResource.Type.TOPIC,
        kafka(settings).events_topic,
        incremental_configs=[ConfigEntry("max.message.bytes", "100", incremental_operation=AlterConfigOpType.SET)],
    )
    admin = AdminClient(client_config(kafka(settings), client_id="tests"))
    admin.incremental_alter_configs([config])[config].result(10)
    path = write_events(tmp_path / "events.csv", 10)
    assert run(settings, ProducerOptions(path, report=True), stop=threading.Event()) == 1
    report = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (report["events"], report["counters"]["failed"]) == (0, 10)


def test_a_missing_topic_is_named(settings: Settings, tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.csv", 10)
    elsewhere = kafka(settings).model_copy(update={"events_topic": "no-such-topic"})
    with pytest.raises(ClickstreamError, match="Kafka has no topic no-such-topic"):
        run(dataclasses.replace(settings, kafka=elsewhere), ProducerOptions(path), stop=threading.Event())


def test_what_a_lost_client_had_not_sent_goes_on_over_a_new_one(settings: Settings) -> None:
    producer = EventProducer(kafka(settings))
    producer.check_topic(timeout=30)
    values_ = [b'{"number":%d}' % number for number in range(20_000)]
    assert producer.send([str(number % 50) for number in range(20_000)], values_) == 20_000
    for _ in range(WITHOUT_BROKERS):
        producer.on_statistics('{"name": "clickstream-producer", "brokers": {}}')
    while producer.flush(1.0):
        pass
    assert (producer.acknowledged, producer.failed) == (20_000, 0)
    producer.close()
    first_of_each: dict[object, tuple[int, object]] = {}
    for place, message in enumerate(stored(settings)):
        first_of_each.setdefault(message.value(), (place, message.partition()))
    assert set(first_of_each) == set(values_)
    for partition in range(3):
        places = [first_of_each[text][0] for text in values_ if first_of_each[text][1] == partition]
        assert places == sorted(places), "in the order in which they were sent"


def test_one_report_without_brokers_replaces_nothing(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    producer = EventProducer(kafka(settings))
    for brokers in ("{}", '{"127.0.0.1:9092/1": {"state": "UP"}}', "{}"):
        producer.on_statistics(f'{{"brokers": {brokers}}}')
        producer.poll(0)
    producer.close()
    assert not [record for record in caplog.records if "lost its brokers" in record.message]


def nowhere() -> Settings:
    """Settings whose Kafka does not answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}", "PG_HOST": "127.0.0.1", "VALKEY_HOST": "127.0.0.1"}
    return load_settings(servers)


def test_an_outage_is_waited_out_visibly_until_the_stop(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_events(tmp_path / "events.csv", 10)
    stop = threading.Event()
    threading.Timer(2.5, stop.set).start()
    assert run(nowhere(), ProducerOptions(path, report=True), stop=stop) == 0
    reports = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert any(report["state"] == "waiting" and "Kafka does not answer" in report["detail"] for report in reports)
    assert reports[-1]["state"] == "stopping"
    assert reports[-1]["counters"]["total"] == 10
