"""What others do in Kafka that keeps messages from being stored: each is said, by who and what, wherever one looks."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from clickstream.actions import rewind, topic
from clickstream.actions.config.check import FAILED, OK, WARN, Check, check
from clickstream.actions.observe.model import LAGGING, STOPPED, Frame
from clickstream.actions.observe.once import observe
from clickstream.actions.observe.surroundings import read_surroundings
from clickstream.actions.observe.watcher import Watcher
from clickstream.actions.prepare import prepare
from clickstream.actions.processes import consumers as workers
from clickstream.actions.processes import producers
from clickstream.cli.commands import topic as topic_commands
from clickstream.cli.main import run
from clickstream.cli.output import TextLine
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ServiceRefused
from clickstream.domain.obstacles import COMPACTION, FOREIGN_MEMBER, OPEN_TRANSACTION
from clickstream.domain.target import Target
from clickstream.services.kafka.admin import delete_topic
from clickstream.services.kafka.config import client_config
from clickstream.services.kafka.surroundings import SurroundingsReader, topic_configs
from tests.changing import replace
from tests.consuming import consumers
from tests.feed import all_committed, observed, send, shop, value
from tests.feed import check as check_stored
from tests.hostile import kafka_user
from tests.oracle import Event
from tests.waiting import first, wait_until

PLAIN = {"partition.assignment.strategy": "range"}
"""How a plain consumer shares partitions, which workers cannot join."""

COOPERATIVE = {"partition.assignment.strategy": "cooperative-sticky"}


def set_config(settings: Settings, resource: ConfigResource.Type, name: str, key: str, to: str | None) -> None:
    """None: what it was before anybody set it."""
    assert settings.kafka
    how = AlterConfigOpType.DELETE if to is None else AlterConfigOpType.SET
    entry = ConfigEntry(key, to, incremental_operation=how)
    admin = AdminClient(client_config(settings.kafka, client_id="tests"))
    changed = admin.incremental_alter_configs([ConfigResource(resource, name, incremental_configs=[entry])])
    for future in changed.values():
        future.result(30)


def set_policy(settings: Settings, policy: str) -> None:
    assert settings.kafka
    set_config(settings, ConfigResource.Type.TOPIC, settings.kafka.events_topic, "cleanup.policy", policy)
    wait_until(lambda: (topic_configs(settings.kafka) or {})["cleanup.policy"] == policy, "set")  # type: ignore[arg-type]


@contextmanager
def member(settings: Settings, options: dict[str, str], *, partitions: int) -> Iterator[Consumer]:
    """A client of somebody else's in the consumers' group, once it has so many partitions."""
    assert settings.kafka
    config = client_config(settings.kafka, client_id="reporting") | {"group.id": settings.pipeline.consumer_group_id}
    plain = Consumer(config | options)
    plain.subscribe([settings.kafka.events_topic])
    try:
        wait_until(lambda: plain.poll(0.1) is not None or len(plain.assignment()) == partitions, "joined")
        yield plain
    finally:
        plain.close()


@contextmanager
def transaction(settings: Settings, events: list[Event]) -> Iterator[Producer]:
    """A transaction of somebody else's that is open, with these events in it; aborted where it was not ended."""
    assert settings.kafka
    own = {"partitioner": "murmur2_random", "transactional.id": f"billing-{settings.kafka.events_topic}"}
    producer = Producer(client_config(settings.kafka, client_id="billing") | own)
    producer.init_transactions(30)
    producer.begin_transaction()
    for event in events:
        producer.produce(settings.kafka.events_topic, value(event), str(event.visitor_id))
    assert producer.flush(30) == 0
    ended = False
    try:
        yield producer
        ended = True
    finally:
        if not ended:
            producer.abort_transaction(30)


def frame_where(condition: Callable[[Frame], bool], what: str) -> Frame:
    with Watcher(load_settings) as watcher:
        return first(watcher.frames(), condition, what)


def lag_where(settings: Settings, kind: str, *, all_held: bool = False) -> Frame:
    """The lag once such an obstacle is in the way; `all_held`: of every partition in which something waits."""
    found: list[Frame] = []

    def seen() -> bool:
        found.append(observed(settings))
        held = all(one.held_from is not None for one in found[-1].partitions if one.lag)
        return kind in [one.kind for one in found[-1].obstacles] and (held or not all_held)

    wait_until(seen, kind)
    return found[-1]


def doctor(settings: Settings) -> dict[str, Check]:
    return {one.name: one for one in check(settings)}


# A compacted topic.


@pytest.mark.parametrize(
    "policy",
    ["compact", *(pytest.param(policy, marks=pytest.mark.slow) for policy in ("compact,delete", "delete,compact"))],
)
def test_a_compacted_topic_is_refused_in_a_sentence(
    settings: Settings, workers_stop: None, policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_policy(settings, policy)
    sentence = rf"topic {settings.kafka.events_topic} is compacted \(cleanup\.policy={policy}\)"  # type: ignore[union-attr]
    with pytest.raises(ServiceRefused, match=sentence) as refused:
        workers.start(settings)
    assert "--add-config cleanup.policy=delete" in refused.value.hint
    file = tmp_path / "events.csv"
    file.write_text("timestamp,visitorid,event,itemid,transactionid\n1,2,view,3,\n")
    with pytest.raises(ServiceRefused, match=sentence):
        producers.start(settings, producers.SendingRun(file))
    assert not workers.list_workers(settings)
    line = [sys.executable, "-m", "clickstream", "worker", "consumer"]
    worker = subprocess.run(line, capture_output=True, text=True, check=False)
    assert worker.returncode == 1
    assert "is compacted" in worker.stdout
    found = doctor(settings)["cleanup"]
    assert (found.state, found.message) == (FAILED, refused.value.args[0])
    shown = topic.show(settings)
    assert (shown.configs or {})["cleanup.policy"] == policy
    for told in (shown.obstacles, observed(settings).obstacles, observe(load_settings).obstacles):
        assert [one.kind for one in told] == [COMPACTION]
    assert run(["topic", "show"]) == 0
    out = capsys.readouterr().out
    assert f"cleanup.policy={policy}" in out
    assert "removes the others unread" in out
    set_policy(settings, "delete")
    assert prepare(settings).partitions == 3
    assert "cleanup" not in doctor(settings)


def test_a_running_consumer_goes_on_and_the_dashboard_says_it(settings: Settings) -> None:
    """Stopping would lose more: what is read is not lost."""
    events = shop(1, 200)
    with consumers(settings):
        send(settings, events[:100])
        wait_until(lambda: all_committed(settings), "everything committed")
        set_policy(settings, "compact")
        frame = frame_where(lambda frame: bool(frame.obstacles), "said")
        assert [one.kind for one in frame.obstacles] == [COMPACTION]
        assert "compacted" in frame.happenings[0].text
        send(settings, events[100:])
        wait_until(lambda: all_committed(settings), "everything committed")
    check_stored(settings, events)


def test_a_topic_that_we_make_is_not_compacted_where_the_broker_would_have_it(settings: Settings) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    set_config(settings, ConfigResource.Type.BROKER, "1", "log.cleanup.policy", "compact")
    try:
        prepare(settings)
        assert (topic_configs(settings.kafka) or {})["cleanup.policy"] == "delete"
        other = settings.kafka.model_copy(update={"events_topic": f"{settings.kafka.events_topic}-other"})
        admin = AdminClient(client_config(other, client_id="tests"))
        for future in admin.create_topics([NewTopic(other.events_topic, 3, 1)]).values():
            future.result(30)
        with pytest.raises(ServiceRefused, match="is compacted"):
            prepare(replace(settings, kafka=other))
        delete_topic(other, other.events_topic)
    finally:
        set_config(settings, ConfigResource.Type.BROKER, "1", "log.cleanup.policy", None)


def test_what_may_not_be_read_is_called_so_and_stops_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.kafka
    set_policy(settings, "compact")
    with member(settings, PLAIN, partitions=3), kafka_user(settings, {"topic": [AclOperation.WRITE]}) as login:
        for name, known in login.items():
            monkeypatch.setenv(name, known)
        behind = load_settings()
        assert prepare(behind).partitions == 3
        around = read_surroundings(behind)
        assert around
        assert (around.configs, around.compacted, around.foreign) == (None, None, {})
        found = doctor(behind)
        assert found["cleanup"].state == OK
        assert "not readable with this user" in found["cleanup"].message
        assert not {"group", "transaction"} & found.keys()
        words = [block.text for block in topic_commands.description(topic.show(behind)) if isinstance(block, TextLine)]
        assert "when Kafka removes messages is not readable with this user" in words


# Foreign members of the group.


def test_a_plain_consumer_that_keeps_ours_out_is_named(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    events = shop(2, 300)
    send(settings, events)
    name = "reporting on 127.0.0.1"
    with member(settings, PLAIN, partitions=3) as plain, consumers(settings) as [worker]:
        wait_until(lambda: plain.poll(0.1) is not None or worker.report.state == "waiting", "kept out")
        assert f"group {settings.pipeline.consumer_group_id} has members that share partitions" in worker.report.detail
        now = lag_where(settings, FOREIGN_MEMBER)
        [obstacle] = now.obstacles
        assert obstacle.who == (name,)
        assert obstacle.partitions == (0, 1, 2)
        assert [(one.owner, one.foreign_owner) for one in now.partitions] == [(None, name)] * 3
        frame = frame_where(lambda frame: bool(frame.obstacles and frame.partitions), "said")
        assert {(row.owner, row.foreign_owner, row.state) for row in frame.partitions} == {(None, name, STOPPED)}
        found = doctor(settings)["group"]
        assert (found.state, found.message) == (WARN, obstacle.message)
        capsys.readouterr()
        assert run(["lag"]) == 0
        out = capsys.readouterr().out
        assert f"{name} (foreign)" in out
        assert "not a clickstream worker" in out
        assert run(["lag", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert [one["who"] for one in document["obstacles"]] == [[name]]
        assert {one["foreign_owner"] for one in document["partitions"]} == {name}
        plain.close()
        wait_until(lambda: all_committed(settings), "ours have them, and everything is stored")
        wait_until(lambda: worker.report.state in {"idle", "running"}, "it waits no more")
        assert not observed(settings).obstacles
    check_stored(settings, events)


@pytest.mark.slow
def test_one_that_shares_as_ours_do_has_some_of_the_partitions(settings: Settings) -> None:
    with member(settings, COOPERATIVE, partitions=3) as plain, consumers(settings, 2) as ours:

        def shared() -> bool:
            plain.poll(0.1)
            return sorted([len(one.report.partitions) for one in ours]) == [1, 1] and len(plain.assignment()) == 1

        wait_until(shared, "each has one")
        [place] = plain.assignment()
        others = {0, 1, 2} - {place.partition}

        def named() -> bool:
            now = lag_where(settings, FOREIGN_MEMBER).partitions
            by = {one.partition: (one.owner is not None, one.foreign_owner) for one in now}
            return by == dict.fromkeys(others, (True, None)) | {place.partition: (False, "reporting on 127.0.0.1")}

        wait_until(named, "each partition's owner is named")


def test_our_workers_are_not_foreign_and_each_group_is_looked_at(settings: Settings) -> None:
    """Whatever their names are, and whichever host they are on."""
    assert settings.kafka
    other = f"indexers-{secrets.token_hex(4)}"
    groups = (settings.pipeline.consumer_group_id, other, f"nobody-{other}")
    pipeline = settings.pipeline.model_copy(update={"consumer_group_id": other})
    indexing = replace(settings, pipeline=pipeline)
    with consumers(settings) as [worker], member(indexing, PLAIN, partitions=3):
        wait_until(lambda: len(worker.report.partitions) == 3, "joined")
        with SurroundingsReader(settings.kafka, groups) as reader:
            found = reader.read()
    assert found
    assert {group: len(members) for group, members in found.foreign.items()} == {groups[0]: 0, other: 1, groups[2]: 0}
    assert found.foreign_owners(other) == dict.fromkeys(range(3), "reporting on 127.0.0.1")


# Other producers' open transactions.


def test_an_open_transaction_is_named_and_everything_drains_when_it_ends(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    events = shop(3, 300)
    before, inside, behind = events[:100], events[100:200], events[200:]
    with consumers(settings):
        send(settings, before)
        wait_until(lambda: all_committed(settings), "everything committed")
        with transaction(settings, inside) as producer:
            send(settings, behind)
            now = lag_where(settings, OPEN_TRANSACTION, all_held=True)
            [obstacle] = now.obstacles
            assert obstacle.who == (f"billing-{settings.kafka.events_topic}",)  # type: ignore[union-attr]
            held = {one.partition: one for one in now.partitions if one.held_from is not None}
            assert obstacle.partitions == tuple(held)
            assert f"{sum(one.lag for one in held.values())} messages" in obstacle.message
            assert {one.state for one in held.values()} == {"LAGGING"}
            assert all(one.position == one.held_from < one.end for one in held.values())
            assert now.lag == 200  # what cannot be read yet waits all the same
            frame = frame_where(lambda frame: frame.held_partitions == set(held), "said")
            assert {row.state for row in frame.partitions if row.partition in held} == {LAGGING}
            assert obstacle.brief in [one.text for one in frame.happenings]
            found = doctor(settings)["transaction"]
            assert (found.state, found.message) == (WARN, obstacle.message)
            assert [one.kind for one in observe(load_settings).obstacles] == [OPEN_TRANSACTION]
            capsys.readouterr()
            assert run(["lag"]) == 0
            out = capsys.readouterr().out
            assert "STALLED" not in out
            assert "never" not in out
            assert obstacle.message in out
            producer.abort_transaction(30)
        wait_until(lambda: all_committed(settings), "everything committed")
        now = observed(settings)
        assert (now.lag, now.obstacles) == (0, ())
    check_stored(settings, before + behind)


def test_a_transaction_that_moves_on_is_not_an_obstacle(settings: Settings) -> None:
    """The second look sees another one than the first."""
    assert settings.kafka
    events = shop(4, 100)
    with SurroundingsReader(settings.kafka, ()) as reader:
        with transaction(settings, events[:50]) as producer:
            first = reader.read()
            producer.commit_transaction(30)
        with transaction(settings, events[50:]):
            second = reader.read()
            third = reader.read()
    assert first
    assert second
    assert third
    assert (bool(first.unstable), second.unstable, bool(third.unstable)) == (True, {}, True)


def test_a_rewind_to_the_end_while_a_transaction_is_open_stops_no_consumer(settings: Settings) -> None:
    """The end lies behind what consumers are told that they can read."""
    events = shop(5, 300)
    send(settings, events[:100])
    with consumers(settings) as [worker]:
        wait_until(lambda: all_committed(settings), "everything committed")
        with transaction(settings, events[100:200]) as producer:
            done = rewind.rewind(settings, Target.of("latest"), may_skip=True)
            assert done.skipped == 100
            wait_until(
                lambda: worker.report.positions == {one.partition: one.after for one in done.partitions},
                "goes on there",
            )
            producer.commit_transaction(30)
        send(settings, events[200:])
        wait_until(lambda: all_committed(settings), "everything committed")
        assert worker.failure is None
    check_stored(settings, events[:100] + events[200:])
