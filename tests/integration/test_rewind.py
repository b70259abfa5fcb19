"""`consumer rewind`: messages are read again without being stored again, or are skipped and the gap is known."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from clickstream.actions import rewind
from clickstream.actions.processes import consumers as processes
from clickstream.actions.verify import sessions as verify
from clickstream.cli.main import run
from clickstream.config.settings import Settings
from clickstream.domain.errors import OffsetLost
from clickstream.domain.target import Target
from clickstream.pipeline.sessions import window
from clickstream.services.kafka.admin import create_partitions, create_topic, delete_topic, read_offsets
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres.rewind import moving
from tests.consuming import consumers, drain
from tests.feed import START_MS, all_committed, check, query, send, shop, stored_events, value
from tests.oracle import Event
from tests.waiting import wait_until

EARLIEST, LATEST = Target.of("earliest"), Target.of("latest")


def offsets(settings: Settings) -> dict[int, int]:
    return dict(query(settings, "SELECT partition, next_offset FROM consumer_offsets ORDER BY partition"))


def new_partitions(settings: Settings, total: int) -> None:
    assert settings.kafka
    create_partitions(settings.kafka, settings.kafka.events_topic, total)


def revisions(settings: Settings) -> dict[int, Any]:
    return dict(query(settings, "SELECT partition, updated_at FROM consumer_offsets"))


def gaps(settings: Settings) -> list[tuple[Any, ...]]:
    return query(settings, "SELECT partition, from_offset, to_offset FROM offset_gaps ORDER BY 1, 2")


def held(settings: Settings) -> dict[int, int]:
    assert settings.kafka
    return {n: at.end for n, at in read_offsets(settings.kafka, create_topic(settings.kafka)).items()}


def one_visitor(settings: Settings, count: int) -> tuple[int, list[Event]]:
    """Events of one session, and the partition that they come to lie in."""
    events = [Event(1, START_MS + second * 1000, 0, second) for second in range(count)]
    send(settings, events[:1])
    return next(number for number, end in held(settings).items() if end), events


def test_read_again_from_the_beginning_nothing_changes(settings: Settings) -> None:
    events = shop(1, 2000)
    send(settings, [*events, ("1", b"broken")])
    drain(settings)
    before, ends = revisions(settings), offsets(settings)
    found = rewind.rewind(settings, EARLIEST)
    assert {move.partition: (move.before, move.after) for move in found.partitions} == {n: (ends[n], 0) for n in ends}
    assert (found.again, found.skipped) == (2001, 0)
    assert set(offsets(settings).values()) == {0}
    assert all(revisions(settings)[number] != before[number] for number in ends)
    assert verify.verify(settings).ok
    drain(settings, count=2)
    check(settings, events)
    assert verify.verify(settings).ok
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(1,)]


def test_what_is_read_again_is_a_duplicate_and_not_late(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SOFT_LIMIT", 200)  # so that a consumer of these few events forgets any
    events = shop(12, 2000)
    late = random.Random(12).sample(events[:1000], 300)
    send(settings, [event for event in events if event not in set(late)])
    with consumers(settings) as (worker,):
        wait_until(lambda: all_committed(settings), "those in time are stored")
        send(settings, late)
        wait_until(lambda: figures(worker)["stored"] == len(events), "the late ones are stored")
        counted = figures(worker)
        assert 0 < counted["late"] <= len(late)
        rewind.rewind(settings, EARLIEST)
        wait_until(lambda: figures(worker)["duplicates"] == len(events), "all is read again")
        assert figures(worker) == counted | {"duplicates": len(events)}
    check(settings, events)


def figures(worker: Any) -> dict[str, int]:
    """What the consumer has reported of its messages."""
    counters = worker.report.counters
    return {name: counters.get(name, 0) for name in ("stored", "late", "duplicates", "rejected")}


@pytest.mark.slow
def test_rewound_again_and_again_while_consumers_are_at_work(settings: Settings) -> None:
    events = shop(2, 9000, visitors=200)
    processes.prepare(settings)
    with consumers(settings, 2):
        sender = threading.Thread(target=lambda: send(settings, events))
        sender.start()
        for _ in range(6):
            wait_until(lambda: sum(offsets(settings).values()) > 500, "some were stored")
            rewind.rewind(settings, EARLIEST)
        sender.join()
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, events)
    assert verify.verify(settings).ok
    assert not gaps(settings)


@pytest.mark.slow
def test_a_consumer_with_nothing_to_do_notices(settings: Settings) -> None:
    events = shop(3, 300)
    send(settings, events)
    with consumers(settings, 2):
        wait_until(lambda: all_committed(settings), "everything committed")
        rewind.rewind(settings, EARLIEST)
        assert not all_committed(settings)
        wait_until(lambda: all_committed(settings), "read again")
    check(settings, events)


@pytest.mark.slow
def test_a_consumer_that_has_never_committed_anything_notices(settings: Settings) -> None:
    events = shop(11, 300)
    send(settings, events)
    drain(settings)
    with consumers(settings) as (worker,):
        wait_until(lambda: len(worker.report.positions) == 3, "it has opened its partitions")
        rewind.rewind(settings, EARLIEST)
        wait_until(lambda: all_committed(settings), "read again")
    check(settings, events)


@pytest.mark.slow
def test_consumers_of_this_home_notice_and_run_on(settings: Settings, workers_stop: None) -> None:
    events = shop(4, 300)
    send(settings, events)
    processes.start(settings, count=2)
    wait_until(lambda: all_committed(settings), "everything committed")
    rewind.rewind(settings, EARLIEST)
    wait_until(lambda: all_committed(settings), "read again")
    assert [worker.state for worker in processes.list_workers(settings)] == ["running", "running"]
    check(settings, events)


@pytest.mark.slow
def test_forward_skips_records_the_gap_and_back_again_fills_it(settings: Settings) -> None:
    events = shop(5, 1200)
    send(settings, events[:400])
    drain(settings)
    before = offsets(settings)
    send(settings, events[400:800])
    found = rewind.rewind(settings, LATEST, may_skip=True)
    ends = held(settings)
    assert found.skipped == 400
    assert gaps(settings) == [(number, before[number], ends[number]) for number in sorted(ends)]
    send(settings, events[800:])
    drain(settings)
    check(settings, [*events[:400], *events[800:]])
    assert verify.verify(settings).skipped_messages == 400

    inside = {number: before[number] + 10 for number in ends}
    rewind.rewind(settings, Target(offset=inside[1]), partition=1)
    assert gaps(settings) == [
        (number, before[number], inside[1] if number == 1 else ends[number]) for number in sorted(ends)
    ]
    rewind.rewind(settings, EARLIEST)
    assert not gaps(settings)
    drain(settings)
    check(settings, events)
    rewind.rewind(settings, EARLIEST)
    rewind.rewind(settings, LATEST, may_skip=True)
    rewind.rewind(settings, EARLIEST)
    rewind.rewind(settings, LATEST, may_skip=True)
    assert len(gaps(settings)) == 3


@pytest.mark.slow
def test_a_time_is_the_first_message_sent_then_or_later(settings: Settings) -> None:
    assert settings.kafka
    noon = round(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
    producer = Producer(client_config(settings.kafka, client_id="tests"))
    events = [Event(1, START_MS + minute * 60_000, 0, minute) for minute in range(10)]
    for minute, event in enumerate(events):
        producer.produce(settings.kafka.events_topic, value(event), "1", partition=1, timestamp=noon + minute * 60_000)
    assert producer.flush(30) == 0
    drain(settings)

    def to(text: str) -> int:
        rewind.rewind(settings, Target.of(text), may_skip=True)
        return offsets(settings)[1]

    assert to("2026-03-01T12:03") == 3
    assert to("2026-03-01T13:03:00.001+01:00") == 4
    assert to(f"{noon + 7 * 60_000}ms") == 7
    assert to("1999-01-01") == 0
    assert to("2100-01-01") == 10
    assert offsets(settings) == {0: 0, 1: 10, 2: 0}
    rewind.rewind(settings, EARLIEST)
    drain(settings)
    check(settings, events)


@pytest.mark.slow
def test_a_batch_that_begins_just_where_a_rewind_goes_to_is_invalidated(settings: Settings) -> None:
    """Of two batches in hand the first is skipped by the rewind; the second was prepared as if it had been stored."""
    assert settings.kafka
    assert settings.postgres
    partition, events = one_visitor(settings, 30)
    topic = create_topic(settings.kafka)
    with consumers(settings) as (worker,):
        wait_until(lambda: all_committed(settings), "the first event stored")
        with moving(settings.postgres, topic=topic.name, topic_id=topic.topic_id) as fast:
            send(settings, events[1:20])
            wait_until(lambda: in_hand(worker) == 1, "a batch waits")
            send(settings, events[20:])
            wait_until(lambda: in_hand(worker) == 2, "another one waits")
            fast.move(partition, old=1, new=20)
            fast.invalidate_prepared()
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, [events[0], *events[20:]])


def in_hand(worker: Any) -> int:
    return len(worker._worker._queue)


@pytest.mark.slow
def test_where_kafka_lost_what_was_stored_reading_again_from_the_beginning_recovers_it(settings: Settings) -> None:
    """PostgreSQL ahead of Kafka: as after a restore of Kafka from an old copy."""
    events = shop(6, 600)
    send(settings, events)
    drain(settings)
    query(settings, "UPDATE consumer_offsets SET next_offset = next_offset + 1000 WHERE partition = 1 RETURNING 1")
    with consumers(settings) as (worker,):
        wait_until(lambda: worker.failure is not None, "stopped")
        assert isinstance(worker.failure, OffsetLost)
        worker.failure = None
    found = rewind.rewind(settings, EARLIEST)
    assert found.again == 600
    drain(settings)
    check(settings, events)
    assert not gaps(settings)


@pytest.mark.slow
def test_a_partition_that_was_never_opened_can_be_moved_too(settings: Settings) -> None:
    assert settings.kafka
    send(settings, shop(7, 300))
    drain(settings)
    new_partitions(settings, 4)
    producer = Producer(client_config(settings.kafka, client_id="tests"))
    new = [Event(1, START_MS + minute * 60_000, 0, 77) for minute in range(9)]
    for event in new:
        producer.produce(settings.kafka.events_topic, value(event), "1", partition=3)
    assert producer.flush(30) == 0
    rewind.rewind(settings, Target(offset=4), partition=3, may_skip=True)
    drain(settings)
    assert gaps(settings) == [(3, 0, 4)]
    assert {event for event in stored_events(settings) if event.item_id == 77} == set(new[4:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["--to", "nowhere"], 2, "is not an offset or a time"),
        (["--to", "5"], 2, "3 partitions, and an offset belongs to one"),
        (["--to", "earliest", "--partition", "3"], 2, "no partition 3 (it has 0 to 2)"),
        (["--to", "1000000", "--partition", "1"], 2, "Kafka holds 0 to"),
    ],
)
def test_refusals(
    settings: Settings, capsys: pytest.CaptureFixture[str], line: list[str], code: int, words: str
) -> None:
    send(settings, shop(8, 60))
    drain(settings)
    before = revisions(settings)
    assert words in refusal(capsys, code, line)
    assert revisions(settings) == before


@pytest.mark.slow
def test_skipping_is_asked_for(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    send(settings, shop(9, 60))
    drain(settings)
    send(settings, shop(10, 30))
    before = revisions(settings)
    assert "this skips messages for good and there is no terminal to ask on" in refusal(capsys, 2, ["--to", "latest"])
    assert revisions(settings) == before
    assert run(["consumer", "rewind", "--to", "latest", "-y", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["skipped"] == len(shop(10, 30))
    assert [set(one) for one in found["partitions"]] == [{"partition", "before", "after"}] * 3
    assert run(["consumer", "rewind", "--to", "latest"]) == 0
    assert "partition 0: stays at" in capsys.readouterr().err


@pytest.mark.slow
def test_a_topic_that_was_never_consumed_or_is_missing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.kafka
    assert "was consumed yet" in refusal(capsys, 1, ["--to", "earliest"])
    delete_topic(settings.kafka, settings.kafka.events_topic)
    assert "does not exist" in refusal(capsys, 1, ["--to", "earliest"])
    create_topic(settings.kafka)


def refusal(capsys: pytest.CaptureFixture[str], code: int, line: list[str]) -> str:
    """What `consumer rewind` says when it refuses."""
    capsys.readouterr()
    assert run(["consumer", "rewind", *line]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err
