"""Where consumers go on: PostgreSQL's word counts, for a topic's very incarnation, and what was skipped is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from clickstream.actions import rewind
from clickstream.actions.processes import consumers as processes
from clickstream.actions.verify import sessions as verify
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import OffsetLost
from clickstream.services.kafka.admin import create_topic, delete_topic, read_offsets
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres.connection import connect
from tests.consuming import consumers, drain
from tests.feed import all_committed, check, query, sampled, send, shop, stored_events
from tests.waiting import wait_until


def positions(settings: Settings) -> dict[int, int]:
    assert settings.kafka
    topic = create_topic(settings.kafka)
    return dict(
        query(settings, "SELECT partition, next_offset FROM consumer_offsets WHERE topic_id = %s", topic.topic_id)
    )


def remove_before(settings: Settings, partition: int, offset: int) -> None:
    """What retention does."""
    assert settings.kafka
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        place = TopicPartition(settings.kafka.events_topic, partition, offset)
        admin.delete_records([place])[place].result(10)


def group_offsets(settings: Settings) -> dict[int, int]:
    assert settings.kafka
    group = settings.pipeline.consumer_group_id
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(10)
    return {place.partition: place.offset for place in found.topic_partitions}


def set_group_offsets(settings: Settings, offsets: dict[int, int]) -> None:
    assert settings.kafka
    group, topic = settings.pipeline.consumer_group_id, settings.kafka.events_topic
    places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        wanted = ConsumerGroupTopicPartitions(group, places)
        admin.alter_consumer_group_offsets([wanted])[group].result(10)


def test_a_topic_created_again_while_consumers_are_stopped_starts_from_its_beginning(settings: Settings) -> None:
    """Longer than the old one or shorter: an offset of the old one means nothing in it."""
    assert settings.kafka
    events = shop(51, 1500)
    send(settings, events[:600])
    drain(settings)
    for part in (events[400:500], events[500:1500]):
        delete_topic(settings.kafka, settings.kafka.events_topic)
        create_topic(settings.kafka)
        send(settings, part)
        assert sampled(settings).total == len(part)
        drain(settings, count=2)
        assert sum(positions(settings).values()) == len(part)
    check(settings, events)
    assert verify.verify(settings).ok
    assert not query(settings, "SELECT FROM offset_gaps")


@pytest.mark.slow
def test_a_topic_created_again_under_running_consumers_is_reported_and_the_next_start_goes_on(
    settings: Settings, workers_stop: None
) -> None:
    assert settings.kafka
    events = shop(52, 900)
    send(settings, events[:300])
    processes.start(settings)
    wait_until(lambda: all_committed(settings), "the first part stored")
    delete_topic(settings.kafka, settings.kafka.events_topic)
    create_topic(settings.kafka)
    send(settings, events[200:])
    wait_until(lambda: all_committed(settings), "the new topic's messages stored")
    processes.stop(settings)
    check(settings, events)


@pytest.mark.slow
def test_messages_that_retention_removed_are_told_loudly_and_the_gap_is_shown(
    settings: Settings, workers_stop: None, capsys: pytest.CaptureFixture[str]
) -> None:
    events = shop(53, 900)
    send(settings, events[:300])
    drain(settings)
    send(settings, events[300:600])
    before = positions(settings)[1]
    remove_before(settings, 1, before + 10)

    processes.start(settings, count=1)
    wait_until(lambda: processes.list_workers(settings)[0].state == "failed", "the consumer has given up")
    (worker,) = processes.list_workers(settings)
    assert f"must go on at offset {before}" in worker.reason
    assert "--accept-gap" in worker.reason

    processes.start(settings, accept_gap=True)
    send(settings, events[600:])
    wait_until(lambda: all_committed(settings), "everything committed")
    processes.stop(settings)
    assert len(stored_events(settings)) == len(events) - 10

    (gap,) = answer(capsys, "topic", "show")["gaps"]
    assert gap | {"accepted_at": ""} == {
        "partition": 1, "from_offset": before, "to_offset": before + 10, "messages": 10, "accepted_at": "",
    }  # fmt: skip
    assert answer(capsys, "status")["counts"]["skipped_messages"] == 10
    found = answer(capsys, "verify")
    assert (found["ok"], found["skipped_messages"]) == (True, 10)
    shown = [text(capsys, *line) for line in (("topic", "show"), ("status",), ("verify",))]
    assert shown[0].splitlines()[-3] == "never read"
    assert shown[0].splitlines()[-1].split()[:4] == ["1", str(before), str(before + 10), "10"]
    assert all("10 messages were never read" in one for one in shown[1:])


@pytest.mark.slow
def test_without_gaps_they_are_not_mentioned(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    send(settings, shop(54, 30))
    drain(settings)
    assert answer(capsys, "topic", "show")["gaps"] == []
    for line in (("topic", "show"), ("status",), ("verify",)):
        assert "never read" not in text(capsys, *line)


@pytest.mark.slow
def test_what_the_topic_holds_is_shown_without_postgresql(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("clickstream.actions.topic.postgres_of", lambda _: away(settings))
    assert answer(capsys, "topic", "show")["gaps"] is None
    assert "not known: PostgreSQL does not answer" in text(capsys, "topic", "show")


def away(settings: Settings) -> Any:
    assert settings.postgres
    return settings.postgres.model_copy(update={"port": 1})


@pytest.mark.slow
def test_an_offset_that_kafka_does_not_hold_stops_a_running_consumer_too(settings: Settings) -> None:
    events = shop(55, 600)
    send(settings, events)
    with consumers(settings) as (worker,):
        wait_until(lambda: all_committed(settings), "everything committed")
        remove_before(settings, 1, 20)
        query(settings, "UPDATE consumer_offsets SET next_offset = 5 WHERE partition = 1 RETURNING 1")
        wait_until(lambda: worker.failure is not None, "stopped")
        assert isinstance(worker.failure, OffsetLost)
        worker.failure = None
    drain(settings, accept_gap=True)
    check(settings, events)


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [True, False])
def test_the_groups_offsets_do_not_count(settings: Settings, ahead: bool) -> None:
    events = shop(56, 900)
    send(settings, events[:500])
    drain(settings)
    assert group_offsets(settings) == positions(settings)
    send(settings, events[500:])
    assert settings.kafka
    ends = {n: held.end for n, held in read_offsets(settings.kafka, create_topic(settings.kafka)).items()}
    set_group_offsets(settings, ends if ahead else dict.fromkeys(ends, 0))
    shown = sampled(settings)
    assert shown.positions == positions(settings)
    assert shown.total == 400
    drain(settings)
    check(settings, events)
    assert group_offsets(settings) == ends


@pytest.mark.slow
def test_a_database_restored_from_an_older_copy_reads_on_from_there(settings: Settings) -> None:
    """Its offsets and its rows are of one instant: the group's offsets, which are newer, do not count."""
    assert settings.postgres
    events = shop(57, 900)
    send(settings, events[:400])
    drain(settings)
    with connect(settings.postgres, application_name="tests") as connection:
        columns = dict(
            query(
                settings,
                "SELECT relname::text, string_agg(quote_ident(attname), ', ') FROM pg_attribute"
                " JOIN pg_class ON pg_class.oid = attrelid WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
                " AND relname <> 'schema_migrations' AND attnum > 0 AND attgenerated = '' AND NOT attisdropped"
                " GROUP BY relname",
                settings.postgres.schema_name,
            )
        )
        for table, names in columns.items():
            connection.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT {names} FROM {table}".encode())
        send(settings, events[400:])
        drain(settings)
        with connection.transaction():
            for table, names in columns.items():
                connection.execute(f"TRUNCATE {table}".encode())
                connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM kept_{table}".encode())
    assert len(stored_events(settings)) == len(set(events[:400]))
    drain(settings)
    check(settings, events)
    assert verify.verify(settings).ok


@pytest.mark.slow
@pytest.mark.parametrize("shared_group", [True, False])
def test_two_schemas_on_one_topic_each_have_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_group: bool
) -> None:
    """With one group they share the partitions out between them, and each reads the rest when the other is gone."""
    assert settings.postgres
    monkeypatch.setenv("PG_SCHEMA_NAME", f"{settings.postgres.schema_name}_beside")
    if not shared_group:
        monkeypatch.setenv("POSTGRESQL_CONSUMER_GROUP_ID", f"{settings.pipeline.consumer_group_id}-beside")
    beside = load_settings()
    events = shop(58, 1200)
    try:
        with consumers(settings), consumers(beside):
            send(settings, events[:600])
            if not shared_group:
                wait_until(lambda: all_committed(settings) and all_committed(beside), "both have everything")
            send(settings, events[600:])
        drain(settings)
        drain(beside)
        check(settings, events)
        check(beside, events)
        rewind.rewind(beside, rewind.Target.of("earliest"))
        assert all_committed(settings)
        drain(beside)
        check(beside, events)
    finally:
        with connect(settings.postgres, application_name="tests") as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {settings.postgres.schema_name}_beside CASCADE".encode())


@pytest.mark.slow
def test_another_topic_beside_moves_nothing_here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.kafka
    events = shop(59, 900)
    send(settings, events[:300])
    drain(settings)
    before = positions(settings)
    monkeypatch.setenv("KAFKA_EVENTS_TOPIC", f"{settings.kafka.events_topic}-beside")
    beside = load_settings()
    assert beside.kafka
    create_topic(beside.kafka)
    try:
        send(beside, events[200:600])
        drain(beside)
        rewind.rewind(beside, rewind.Target.of("earliest"))
        assert positions(settings) == before
        assert sampled(settings).total == 0
        assert sampled(beside).total == 400
    finally:
        delete_topic(beside.kafka, beside.kafka.events_topic)
    send(settings, events[600:])
    drain(settings)
    check(settings, events)


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    capsys.readouterr()
    assert run([*line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def text(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    capsys.readouterr()
    assert run(line) == 0
    return capsys.readouterr().out


def logged(capsys: pytest.CaptureFixture[str], name: str) -> list[str]:
    return [one["line"] for one in answer(capsys, "consumer", "logs", name, "-n", "20")]
