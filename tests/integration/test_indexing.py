"""Indexers on real servers: whatever happens on the way, the index ends up with the events that PostgreSQL has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from clickstream.actions.observe.meter import LagMeter
from clickstream.actions.processes import consumers
from clickstream.actions.processes.by_name import kill
from clickstream.actions.processes.consumers import ConsumerKind
from clickstream.actions.processes.workers import control_of, snapshot_of
from clickstream.actions.verify.index import verify_index
from clickstream.cli.main import run as clickstream
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import OffsetLost, UsageError
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.indexer import bulk_settings
from clickstream.pipeline.indexer.settler import REASON
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.kafka.config import client_config
from clickstream.services.opensearch.client import connect
from clickstream.services.opensearch.index import EventsIndex
from tests.consuming import drain
from tests.feed import KINDS, START_MS, all_committed, observed, query, sampled, send, shop, value
from tests.oracle import Event
from tests.searching import (
    all_indexed,
    fill,
    index_settings,
    indexers,
    search_settings,
    search_stack_in,
    stored_documents,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # the node and its compiler take their time, and the first run downloads it


@pytest.fixture(scope="module")
def search_home(shelter: Path) -> Iterator[Home]:
    with search_stack_in(shelter / "search") as home:
        yield home


@pytest.fixture
def settings(search_home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with search_settings(search_home, monkeypatch) as found:
        yield found


def check(settings: Settings, events: int) -> None:
    found = verify_index(settings)
    assert (found.missing, found.unexpected, found.different, found.behind) == (0, 0, 0, 0), found
    assert found.events == found.documents == events


def test_enabled_late_it_fills_from_the_beginning(settings: Settings) -> None:
    events = shop(21, 3000)
    bought = [event for event in events if event.kind == 2]
    send(settings, [(str(event.visitor_id), value(event, 7)) for event in bought])
    send(settings, events)  # doubles of the bought ones, without their transaction
    send(settings, [("1", b"not json"), ("1", None)])
    drain(settings)
    fill(settings)
    check(settings, len(set(events)))
    documents = stored_documents(settings)
    for event in set(events):
        name = f"{event.visitor_id}-{event.time_ms}-{KINDS[event.kind]}-{event.item_id}"
        assert documents[name] == {
            "event_time": event.time_ms,
            "visitor_id": event.visitor_id,
            "event": KINDS[event.kind],
            "item_id": event.item_id,
            "transaction_id": 7 if event.kind == 2 else None,
        }
    # What is not an event is the consumers' to keep, once.
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(2,)]
    send(settings, shop(22, 500, visitors=9))
    drain(settings)
    fill(settings, count=2)
    assert verify_index(settings).ok


def test_marks_of_transactions_are_passed_over_behind_what_is_indexed(settings: Settings) -> None:
    assert settings.kafka
    events = shop(34, 200)
    producer = Producer(client_config(settings.kafka, client_id="tests") | {"transactional.id": "somebody-indexed"})
    producer.init_transactions(30)
    with indexers(settings), LagMeter(settings) as meter:
        for part in (events[:100], events[100:]):
            producer.begin_transaction()
            for event in part:
                producer.produce(settings.kafka.events_topic, value(event), str(event.visitor_id))
            producer.commit_transaction(30)
            wait_until(lambda: all_indexed(meter), "everything indexed")
    drain(settings)
    check(settings, len(set(events)))


def test_an_index_that_was_deleted_is_created_again_and_filled(settings: Settings) -> None:
    events = shop(23, 1000)
    send(settings, events)
    drain(settings)
    fill(settings)
    name = settings.opensearch.events_index
    with connect(settings.opensearch) as client:

        def filled() -> bool:
            return client.indices.exists(index=name) and len(stored_documents(settings)) == len(events)

        client.indices.delete(index=name)
        with indexers(settings):
            wait_until(filled, "filled by the next one")
            client.indices.delete(index=name)
            wait_until(filled, "filled by the one that runs")
    assert verify_index(settings).ok


def test_a_topic_created_again_is_read_from_its_beginning(settings: Settings) -> None:
    assert settings.kafka
    events = shop(24, 900)
    send(settings, events[:600])
    drain(settings)
    with indexers(settings) as (worker,):
        with LagMeter(settings) as meter:
            wait_until(lambda: all_indexed(meter), "everything indexed")
        delete_topic(settings.kafka, settings.kafka.events_topic)
        create_topic(settings.kafka)
        send(settings, events[500:])
        wait_until(lambda: worker.failure is not None, "noticed")
        assert "created again" in str(worker.failure) or "gone" in str(worker.failure)
        worker.failure = None
    drain(settings)
    fill(settings)
    check(settings, len(events))


def test_messages_that_kafka_removed_stop_it_until_the_gap_is_accepted(settings: Settings) -> None:
    assert settings.kafka
    events = shop(25, 900)
    send(settings, events[:300])
    fill(settings)
    with LagMeter(settings) as meter:
        end = meter.sample().ends[1]
    send(settings, events[300:600])
    drain(settings)
    with AdminClient(client_config(settings.kafka, client_id="tests")) as admin:
        place = TopicPartition(settings.kafka.events_topic, 1, end + 10)
        admin.delete_records([place])[place].result(10)
    with indexers(settings) as (worker,):
        wait_until(lambda: worker.failure is not None, "stopped")
        assert isinstance(worker.failure, OffsetLost)
        worker.failure = None
    fill(settings, accept_gap=True)
    found = verify_index(settings)
    assert (found.missing, found.unexpected, found.different) == (10, 0, 0)
    assert len(found.examples) == 10


def test_far_behind_the_index_loads_and_has_its_settings_again_at_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_settings, "FAR_BEHIND", 100)
    monkeypatch.setattr(bulk_settings, "CAUGHT_UP", 100)
    index = EventsIndex(settings.opensearch)
    index.ensure()
    with connect(settings.opensearch) as client:
        name = settings.opensearch.events_index
        client.indices.put_settings(index=name, body={"index": {"refresh_interval": "7s"}})
        client.indices.put_mapping(index=name, body={"_meta": {"of": "somebody"}})
    before = index_settings(settings)
    # One that died while it loaded.
    index.begin_loading()
    assert index_settings(settings)["refresh_interval"] == "-1"
    index.close()
    send(settings, shop(26, 2000))
    fill(settings)
    assert index_settings(settings) == before


def test_two_that_load_at_once_leave_the_settings_as_they_were(settings: Settings) -> None:
    one, other = EventsIndex(settings.opensearch), EventsIndex(settings.opensearch)
    one.ensure()
    before = index_settings(settings)
    one.begin_loading()
    other.begin_loading()
    assert one.end_loading()
    assert index_settings(settings) == before
    other.begin_loading()
    other.end_loading()
    one.end_loading()
    assert index_settings(settings) == before
    one.close()
    other.close()


def test_what_the_mapping_refuses_is_kept_once_and_told(settings: Settings) -> None:
    name = settings.opensearch.events_index
    with connect(settings.opensearch) as client:
        client.indices.create(
            index=name, body={"mappings": {"properties": {"event_time": {"type": "date"}, "event": {"type": "keyword"},
            "visitor_id": {"type": "long"}, "item_id": {"type": "short"}, "transaction_id": {"type": "long"}}}},
        )  # fmt: skip
    events = shop(27, 500)
    large = [Event(3, START_MS + number, 0, 70_000 + number) for number in range(3)]
    send(settings, [*events[:250], *large, *events[250:]])
    drain(settings)
    fill(settings)
    rows = query(settings, 'SELECT reason, payload FROM rejected_events ORDER BY "offset"')
    assert [json.loads(bytes(payload))["item_id"] for _, payload in rows] == [70_000, 70_001, 70_002]
    assert all(reason.startswith(REASON) and "item_id" in reason for reason, _ in rows)
    found = verify_index(settings)
    assert (found.missing, found.refused, found.ok) == (3, 3, False)
    assert {one.fault for one in found.examples} == {"missing"}
    with connect(settings.opensearch) as client:
        client.indices.delete(index=name)
        client.indices.create(index=name, body={"mappings": {"properties": {"item_id": {"type": "short"}}}})
    fill(settings)
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(3,)]


def test_verify_finds_what_is_missing_extra_and_different(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    events = shop(28, 500)
    send(settings, [(str(event.visitor_id), value(event, 5)) for event in events])
    drain(settings)
    fill(settings)
    assert clickstream(["verify", "--opensearch", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert told["opensearch"]["ok"]
    assert told["opensearch"]["documents"] == told["events"] == len(events)
    gone, changed = (
        f"{one.visitor_id}-{one.time_ms}-{KINDS[one.kind]}-{one.item_id}" for one in (events[3], events[77])
    )
    extra = {"event_time": START_MS, "visitor_id": 10**9, "event": "view", "item_id": 1}
    with connect(settings.opensearch) as client:
        name = settings.opensearch.events_index
        client.delete(index=name, id=gone)
        client.update(index=name, id=changed, body={"doc": {"transaction_id": 6}})
        client.index(index=name, id="x", body=extra)
        client.index(index=name, id="y", body={"item_id": 1})
    assert clickstream(["verify", "--opensearch", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    index = told["opensearch"]
    assert not told["ok"]
    assert (index["missing"], index["unexpected"], index["different"]) == (1, 2, 1)
    assert {"fault": "missing", "id": gone} in index["examples"]
    assert {"fault": "different", "id": changed} in index["examples"]
    assert {"fault": "unexpected", "id": f"1000000000-{START_MS}-view-1"} in index["examples"]
    assert clickstream(["verify", "--opensearch"]) == 1
    assert "failed: the index differs" in capsys.readouterr().out


def test_verify_needs_opensearch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSEARCH_ENABLED", "false")
    assert clickstream(["verify", "--opensearch"]) == 2


@pytest.mark.usefixtures("workers_stop")
def test_the_commands_know_both_kinds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("consumer-0", "consumer-1", "consumer-2")
    monkeypatch.setenv("OPENSEARCH_ENABLED", "false")
    off = load_settings()
    assert consumers.start(off).started == names
    with pytest.raises(UsageError):
        consumers.start(off, kind=ConsumerKind.OPENSEARCH)
    # A restart picks up what was enabled, or disabled, meanwhile.
    assert [one.name for one in consumers.restart(settings)] == [*names, "indexer-0"]
    assert [worker.name for worker in consumers.list_workers(settings)] == [*names, "indexer-0"]
    assert [worker.name for worker in consumers.list_workers(settings, kind=ConsumerKind.OPENSEARCH)] == ["indexer-0"]
    assert consumers.start(settings).kept == (*names, "indexer-0")
    assert consumers.start(settings, count=2, kind=ConsumerKind.OPENSEARCH).started == ("indexer-1",)
    with pytest.raises(UsageError, match="4 indexers for 3 partitions"):
        consumers.start(settings, count=4, kind=ConsumerKind.OPENSEARCH)
    restarted = consumers.restart(settings, kind=ConsumerKind.OPENSEARCH)
    assert {one.name for one in restarted} == {"indexer-0", "indexer-1"}
    assert set(consumers.stop(settings, kind=ConsumerKind.OPENSEARCH).stopped) == {"indexer-0", "indexer-1"}
    assert consumers.start(settings, kind=ConsumerKind.POSTGRESQL).started == ()
    assert consumers.start(settings).started == ("indexer-0",)
    send(settings, shop(29, 300))
    wait_until(lambda: sampled(settings).to_index == 0, "indexed")
    found = observed(settings).indexing
    assert found
    assert {one.owner for one in found.partitions} == {"indexer-0"}
    assert tuple(one.name for one in consumers.restart(off)) == names
    assert [worker.name for worker in consumers.list_workers(off) if worker.under_way] == list(names)


@pytest.mark.usefixtures("workers_stop")
def test_indexer_and_node_are_killed_in_the_middle_of_a_back_fill(settings: Settings) -> None:
    events = shop(30, 120_000, visitors=5_000)
    send(settings, events)
    consumers.start(settings, kind=ConsumerKind.POSTGRESQL)
    wait_until(lambda: all_committed(settings), "everything committed")
    consumers.stop(settings)
    consumers.start(settings, kind=ConsumerKind.OPENSEARCH, count=2)

    def done() -> int:
        snapshot = snapshot_of(settings)
        reports = [one.report for one in snapshot.of(Role.INDEXER) if one.report] if snapshot else []
        return sum(report.events for report in reports)

    for victim in ("indexer-0", "opensearch", "indexer-1"):
        before = done()
        wait_until(lambda before=before: done() != before, "under way")  # type: ignore[misc]
        kill(settings, victim)
    with LagMeter(settings) as meter:
        wait_until(lambda: all_indexed(meter), "everything indexed")
    control_of(settings).stop(["indexer-0", "indexer-1"])
    check(settings, len(events))
    assert "refresh_interval" not in index_settings(settings)


def indexer(settings: Settings) -> WorkerReport | None:
    """What it reported last."""
    snapshot = snapshot_of(settings)
    return next((one.report for one in snapshot.of(Role.INDEXER)), None) if snapshot else None


def wait_until_it_waits(settings: Settings, reason: str) -> None:
    told = f"OpenSearch is not ready: {reason}"
    wait_until(lambda: (report := indexer(settings)) and (report.state, report.detail) == ("waiting", told), told)


def check_all_there(settings: Settings, events: int) -> None:
    with LagMeter(settings) as meter:
        wait_until(lambda: all_indexed(meter), "everything indexed")
    control_of(settings).stop(["indexer-0"])
    check(settings, events)
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(0,)]


@pytest.mark.usefixtures("workers_stop")
def test_an_index_that_is_closed_in_the_middle_of_a_back_fill_is_waited_for(settings: Settings) -> None:
    events = shop(31, 60_000, visitors=5_000)
    send(settings, events)
    drain(settings)
    name = settings.opensearch.events_index
    consumers.start(settings, kind=ConsumerKind.OPENSEARCH)
    wait_until(lambda: (report := indexer(settings)) and report.events, "under way")
    with connect(settings.opensearch) as client:
        client.indices.close(index=name)
        wait_until_it_waits(settings, f"[{name}] closed (index_closed_exception)")
        client.indices.open(index=name)
    check_all_there(settings, len(events))
    assert "refresh_interval" not in index_settings(settings)


@pytest.mark.usefixtures("workers_stop")
def test_an_index_that_cannot_be_made_and_a_pipeline_that_is_missing_are_waited_for(settings: Settings) -> None:
    events = shop(32, 120)
    send(settings, events[:60])
    drain(settings)
    name, block = settings.opensearch.events_index, "cluster.blocks.create_index"
    with connect(settings.opensearch) as client:
        client.cluster.put_settings(body={"transient": {block: True}})
        try:
            consumers.start(settings, kind=ConsumerKind.OPENSEARCH)
            reason = "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)]; (index_create_block_exception)"
            wait_until_it_waits(settings, reason)
        finally:
            client.cluster.put_settings(body={"transient": {block: None}})
        check_all_there(settings, 60)
        client.indices.put_settings(index=name, body={"index.default_pipeline": "nope"})
        send(settings, events[60:])
        drain(settings)
        consumers.start(settings, kind=ConsumerKind.OPENSEARCH)
        wait_until_it_waits(settings, "pipeline with id [nope] does not exist (illegal_argument_exception)")
        client.indices.put_settings(index=name, body={"index.default_pipeline": None})
    check_all_there(settings, len(events))
