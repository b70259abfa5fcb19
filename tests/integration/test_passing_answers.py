"""Answers that pass by themselves are waited out, final ones come back at once; from real servers behind proxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from kio.schema.errors import ErrorCode
from pydantic import SecretStr

from clickstream.actions import stack
from clickstream.cli.main import run
from clickstream.config.settings import KafkaSettings, Settings
from clickstream.domain.errors import ServiceNotReady, ServiceRefused
from clickstream.services.kafka import admin
from clickstream.services.kafka.admin import delete_group
from clickstream.services.kafka.group import GroupReader
from clickstream.services.kafka.producer import EventProducer
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.migrate import migrate
from clickstream.services.valkey.keys import clear
from clickstream.services.valkey.server import server_info
from tests.consuming import drain
from tests.feed import START_MS, check, send, shop, value
from tests.oracle import Event
from tests.proxies import kafka as proxies
from tests.proxies.kafka import KafkaProxy, kafka_proxy
from tests.proxies.postgres import postgres_proxy
from tests.proxies.valkey import valkey_proxy

STARTING = (ErrorCode.not_coordinator, ErrorCode.coordinator_not_available, ErrorCode.coordinator_load_in_progress)
ELECTING = (ErrorCode.leader_not_available, ErrorCode.not_leader_or_follower, ErrorCode.offset_not_available)
NO_CONTROLLER = (ErrorCode.not_controller, ErrorCode.request_timed_out)


def behind(settings: Settings, proxy: KafkaProxy) -> KafkaSettings:
    assert settings.kafka
    return settings.kafka.model_copy(update={"bootstrap_servers": proxy.address})


def read_group(kafka: KafkaSettings) -> None:
    topic = admin.describe_topic(kafka, kafka.events_topic)
    assert topic
    with GroupReader(kafka, "clickstream-nobody") as reader:
        assert reader.read(topic.topic_id, topic.partitions) == {}


def read_offsets(kafka: KafkaSettings) -> None:
    topic = admin.describe_topic(kafka, kafka.events_topic)
    assert topic
    assert len(admin.read_offsets(kafka, topic)) == 3


def recreate(kafka: KafkaSettings) -> None:
    assert admin.delete_topic(kafka, kafka.events_topic)
    assert admin.create_topic(kafka).partitions == 3


def grow(kafka: KafkaSettings) -> None:
    admin.create_partitions(kafka, kafka.events_topic, 5)
    topic = admin.describe_topic(kafka, kafka.events_topic)
    assert topic
    assert topic.partitions == 5


REQUESTS: list[tuple[str, Callable[[KafkaSettings], Any], proxies.Faults]] = [
    (
        "group members",
        lambda kafka: admin.group_members(kafka, "clickstream-nobody"),
        {proxies.DESCRIBE_GROUPS: STARTING, proxies.FIND_COORDINATOR: STARTING[1:]},
    ),
    ("group offsets", read_group, {proxies.OFFSET_FETCH: (*STARTING, ErrorCode.unstable_offset_commit)}),
    ("offsets", read_offsets, {proxies.LIST_OFFSETS: (*ELECTING, ErrorCode.unknown_topic_or_partition)}),
    ("topic", recreate, {proxies.DELETE_TOPICS: NO_CONTROLLER, proxies.CREATE_TOPICS: NO_CONTROLLER}),
    ("no broker yet", recreate, {proxies.CREATE_TOPICS: (ErrorCode.invalid_replication_factor,)}),
    ("partitions", grow, {proxies.CREATE_PARTITIONS: (*NO_CONTROLLER, ErrorCode.unknown_topic_or_partition)}),
    ("group", lambda kafka: delete_group(kafka, "clickstream-nobody"), {proxies.DELETE_GROUPS: STARTING}),
    ("metadata", read_offsets, {proxies.METADATA: ELECTING[:1]}),
]


@pytest.mark.parametrize(("request_", "faults"), [one[1:] for one in REQUESTS], ids=[one[0] for one in REQUESTS])
def test_a_request_is_repeated_while_kafka_starts(
    settings: Settings, request_: Callable[[KafkaSettings], Any], faults: proxies.Faults
) -> None:
    assert settings.kafka
    with kafka_proxy(settings.kafka, faults) as proxy:
        request_(behind(settings, proxy))
    assert not any(proxy.faults.values()), "all were met with"


def test_a_consumer_waits_until_kafka_has_started(settings: Settings) -> None:
    assert settings.kafka
    events = shop(3, 200)
    send(settings, events)
    faults = {
        proxies.FIND_COORDINATOR: STARTING[1:],
        proxies.JOIN_GROUP: STARTING[:1],
        proxies.SYNC_GROUP: STARTING[:1],
        proxies.OFFSET_COMMIT: STARTING[:1],
        proxies.LIST_OFFSETS: ELECTING,
        proxies.FETCH: ELECTING[1:2],
    }
    with kafka_proxy(settings.kafka, faults) as proxy:
        drain(replace(settings, kafka=behind(settings, proxy)))
    assert not proxy.faults[proxies.JOIN_GROUP]
    assert not proxy.faults[proxies.LIST_OFFSETS]
    check(settings, events)


def test_a_producer_waits_until_kafka_has_started(settings: Settings) -> None:
    assert settings.kafka
    faults = {
        proxies.METADATA: ELECTING[:1],
        proxies.INIT_PRODUCER_ID: STARTING,
        proxies.PRODUCE: (ErrorCode.not_leader_or_follower, ErrorCode.not_enough_replicas),
    }
    with kafka_proxy(settings.kafka, faults) as proxy:
        producer = EventProducer(behind(settings, proxy))
        assert producer.check_topic(timeout=30) == 3
        assert producer.send(["1"], [value(Event(1, START_MS, 0, 1))]) == 1
        while producer.flush(1.0):
            pass
        assert producer.acknowledged == 1
        producer.close()
        assert not any(proxy.faults.values())
    topic = admin.describe_topic(settings.kafka, settings.kafka.events_topic)
    assert topic
    assert sum(held.end for held in admin.read_offsets(settings.kafka, topic).values()) == 1


LINES = ["data reset -y", "status --json"]
SLOW_LINES = [
    "topic show",
    "lag --json",
    "verify",
    "analytics",
    "rejects list",
    "config check",
    "consumer start --count 1",
    "benchmark --limit 2000 --partitions 1 -y",
]


@pytest.mark.usefixtures("workers_stop")
@pytest.mark.parametrize("line", [*LINES, *(pytest.param(line, marks=pytest.mark.slow) for line in SLOW_LINES)])
def test_a_command_succeeds_on_servers_that_have_just_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    make_tables(settings)
    faults = {
        proxies.METADATA: ELECTING[:1],
        proxies.FIND_COORDINATOR: STARTING[1:],
        proxies.DESCRIBE_GROUPS: STARTING,
        proxies.CREATE_TOPICS: NO_CONTROLLER,
        proxies.LIST_OFFSETS: ELECTING,
    }
    with (
        kafka_proxy(settings.kafka, faults) as kafka,
        postgres_proxy(settings.postgres, *["57P03"] * 3) as postgres,
        valkey_proxy(settings.valkey, *["LOADING Valkey is loading the dataset in memory"] * 3) as valkey,
    ):
        proxied = {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "PG_PORT": postgres.port, "VALKEY_PORT": valkey.port}
        for name, setting in {**stack.env(settings.home), **proxied}.items():
            monkeypatch.setenv(name, str(setting))
        assert run(line.split()) == 0
        assert not postgres.states
        if line.startswith("consumer"):
            assert run(["consumer", "stop"]) == 0


def make_tables(settings: Settings) -> None:
    """Commands that read expect them."""
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)


@pytest.mark.parametrize(
    ("api", "error", "ask"),
    [
        (
            proxies.DESCRIBE_GROUPS,
            ErrorCode.group_authorization_failed,
            lambda kafka: admin.group_members(kafka, "clickstream-nobody"),
        ),
        (proxies.CREATE_TOPICS, ErrorCode.topic_authorization_failed, recreate),
        (proxies.DELETE_TOPICS, ErrorCode.cluster_authorization_failed, recreate),
    ],
    ids=["group", "create", "delete"],
)
def test_a_refusal_of_kafka_comes_back_at_once(
    settings: Settings, api: int, error: ErrorCode, ask: Callable[[KafkaSettings], Any]
) -> None:
    assert settings.kafka
    with kafka_proxy(settings.kafka, {api: [error] * 9}) as proxy:
        with pytest.raises(ServiceRefused, match="Kafka refused"):
            ask(behind(settings, proxy))
        assert proxy.requests[api] == 1


def test_a_connection_is_tried_again_while_postgresql_starts(settings: Settings) -> None:
    assert settings.postgres
    with postgres_proxy(settings.postgres, *["57P03"] * 6, *["53300"] * 2) as proxy:
        behind = settings.postgres.model_copy(update={"port": proxy.port})
        with connect(behind, application_name="tests") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("state", ["28P01", "28000", "3D000", "42501"])
def test_a_refusal_of_postgresql_is_known_by_its_sqlstate(settings: Settings, state: str) -> None:
    assert settings.postgres
    with postgres_proxy(settings.postgres, *[state] * 9) as proxy:
        behind = settings.postgres.model_copy(update={"port": proxy.port})
        with pytest.raises(ServiceRefused, match=r"PostgreSQL refused: .*el servidor.* \(check "):
            connect(behind, application_name="tests")
        assert proxy.refused <= 3, "one attempt, and the questions why"


def test_a_wrong_password_of_postgresql_comes_back_at_once(settings: Settings) -> None:
    assert settings.postgres
    with postgres_proxy(settings.postgres) as proxy:
        wrong = settings.postgres.model_copy(update={"port": proxy.port, "password": SecretStr("wrong")})
        with pytest.raises(ServiceRefused, match="check PG_USER and PG_PASSWORD"):
            connect(wrong, application_name="tests")


def test_who_repeats_by_himself_is_told_that_postgresql_starts(settings: Settings) -> None:
    assert settings.postgres
    with postgres_proxy(settings.postgres, *["57P03"] * 9) as proxy:
        behind = settings.postgres.model_copy(update={"port": proxy.port})
        with pytest.raises(ServiceNotReady, match="PostgreSQL is not ready"):
            connect(behind, application_name="tests", patience=0)


@pytest.mark.parametrize(
    "answer", ["LOADING Valkey is loading the dataset in memory", "BUSY Valkey is busy running a script."]
)
def test_a_command_is_repeated_while_valkey_is_busy(settings: Settings, answer: str) -> None:
    assert settings.valkey
    with valkey_proxy(settings.valkey, *[answer] * 4) as proxy:
        behind = settings.valkey.model_copy(update={"port": proxy.port})
        assert server_info(behind).version
        assert clear(behind, naming=["no such topic"]) == 0
        assert not proxy.answers


def test_a_refusal_of_valkey_comes_back_at_once(settings: Settings) -> None:
    assert settings.valkey
    with valkey_proxy(settings.valkey, *["NOPERM this user has no permissions"] * 9) as proxy:
        with pytest.raises(ServiceRefused, match="no permissions"):
            server_info(settings.valkey.model_copy(update={"port": proxy.port}))
        assert len(proxy.answers) == 8
