"""Embedded Kafka lets no client in without a password, on any port; homes of before get one, and keep their data."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramMechanism,
    UserScramCredentialDeletion,
)
from pydantic import SecretStr

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.processes.consumers import start as start_consumers
from clickstream.config.paths import Home
from clickstream.config.settings import KafkaSettings, load_settings
from clickstream.domain.errors import AdmissionRefused
from clickstream.services.kafka.admin import TopicInfo, cluster, describe_topic, read_offsets
from clickstream.services.kafka.config import client_config
from clickstream.services.kafka.producer import EventProducer
from clickstream.stack.layout import (
    KAFKA,
    KAFKA_CONTROLLER,
    KAFKA_NODE,
    KAFKA_USER,
    PORTS,
    RELAYS,
    Layout,
    layout_file,
    load_layout,
)
from tests.feed import send, shop, stored_events
from tests.proxies.kafka import METADATA, kafka_proxy
from tests.stacks import stack_in
from tests.waiting import wait_until

SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
OPEN_REQUESTS = {
    "metadata": (3, 1, "00000000"),
    "all groups": (16, 0, ""),
    "fetch": (1, 4, "ffffffff 00000000 00000001 00000001 00 00000000"),
    "produce": (0, 3, "ffff ffff 00000001 00000000"),
    "quorum": (55, 0, "01 00"),
    "credentials": (51, 0, "01 01 00"),
}
"""Requests as anybody might send them: what, its version, its body."""


@pytest.fixture
def layout(stack_home: Home) -> Layout:
    found = load_layout(stack_home)
    assert found
    return found


def listening(home: Home) -> set[int]:
    """The ports that Kafka itself listens on."""
    (kafka,) = (server for server in stack.status(home).servers if server.name == KAFKA)
    found = psutil.Process(kafka.pid).net_connections("inet")
    return {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}


def request(api: int, version: int, body: bytes) -> bytes:
    # The newer header ends with an empty set of fields.
    tagged = b"\0" if (api, version) in {(55, 0), (51, 0)} else b""
    header = struct.pack("!hhih", api, version, 7, -1) + tagged
    return struct.pack("!i", len(header) + len(body)) + header + body


def ask(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    """The answer without its head; empty where the connection was closed instead."""
    answer = b""
    try:
        connection.sendall(request(api, version, body))
        while len(answer) < 4 or len(answer) < 4 + struct.unpack("!i", answer[:4])[0]:
            if not (piece := connection.recv(65_536)):
                return b""
            answer += piece
    except ConnectionError:
        return b""
    return answer[8:]


def plain_login(port: int, user: str, password: str) -> bool:
    """Whether the port lets this user in by PLAIN, so far that it tells something afterwards."""
    token = f"\0{user}\0{password}".encode()
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        mechanisms = ask(connection, SASL_HANDSHAKE, 1, b"\0\5PLAIN")
        if mechanisms[:2] != b"\0\0":
            return False
        answer = ask(connection, SASL_AUTHENTICATE, 0, struct.pack("!i", len(token)) + token)
        return answer[:2] == b"\0\0" and bool(ask(connection, 18, 0, b""))


def test_every_port_of_kafka_is_one_that_is_tried_here(stack_home: Home, layout: Layout) -> None:
    assert listening(stack_home) == {layout.ports[name] for name in PORTS[KAFKA] if name != RELAYS[KAFKA]}


@pytest.mark.parametrize("name", OPEN_REQUESTS)
def test_no_port_answers_who_did_not_log_in(stack_home: Home, name: str) -> None:
    api, version, body = OPEN_REQUESTS[name]
    for port in listening(stack_home):
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            assert ask(connection, api, version, bytes.fromhex(body)) == b""


def test_no_port_lets_in_by_a_wrong_password(stack_home: Home, layout: Layout) -> None:
    mistaken = [(KAFKA_NODE, "wrong"), (KAFKA_NODE, layout.kafka_password), (KAFKA_USER, layout.kafka_password)]
    for port in listening(stack_home):
        assert not [pair for pair in mistaken if plain_login(port, *pair)]
    assert plain_login(layout.ports[KAFKA_CONTROLLER], KAFKA_NODE, layout.kafka_node_password), "or nothing was tried"


def settings_of(environment: dict[str, str]) -> KafkaSettings:
    return KafkaSettings.model_validate(environment)


def lets_in(settings: KafkaSettings) -> bool:
    """Whether a plain client gets an answer."""
    with AdminClient(client_config(settings, client_id="tests") | {"error_cb": lambda _: None}) as admin:
        try:
            return bool(admin.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_a_client_without_the_password_gets_nothing(stack_home: Home, layout: Layout, protocol: str) -> None:
    right = settings_of(layout.environment())
    assert lets_in(right)
    wrong = {"security_protocol": protocol, "sasl_password": SecretStr("wrong")}
    for port in listening(stack_home):
        assert not lets_in(right.model_copy(update=wrong | {"bootstrap_servers": f"127.0.0.1:{port}"}))


def test_a_wrong_password_is_said_in_a_sentence(layout: Layout) -> None:
    wrong = layout.environment() | {"KAFKA_SASL_PASSWORD": "wrong"}
    with pytest.raises(AdmissionRefused, match=r"Kafka refused: .*KAFKA_SASL_PASSWORD"):
        cluster(settings_of(wrong))


@pytest.mark.parametrize("as_node", [False, True], ids=["SCRAM", "PLAIN"])
def test_no_password_follows_a_broker_to_another_machine(layout: Layout, as_node: bool) -> None:
    """One behind a tunnel, say. All that goes to it is the question where it sends its clients on to."""
    login = layout.kafka_node_login() if as_node else layout.environment()
    with kafka_proxy(settings_of(login), {}, sends_to="broker.invalid") as proxy:
        tunnelled = settings_of(login | {"KAFKA_BOOTSTRAP_SERVERS": proxy.address})
        for use in (
            cluster,
            EventProducer,
            lambda settings: read_offsets(settings, TopicInfo("t", "", 1)),
            lambda settings: client_config(settings, client_id="tests"),
        ):
            with pytest.raises(AdmissionRefused, match=r"Kafka sends its clients on to broker\.invalid, .*loopback"):
                use(tunnelled)
        assert set(proxy.requests) == {METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE}
    with kafka_proxy(settings_of(login), {}, sends_to="localhost") as proxy:
        assert cluster(settings_of(login | {"KAFKA_BOOTSTRAP_SERVERS": proxy.address})).brokers == 1
        for _ in range(3):
            client_config(settings_of(login | {"KAFKA_BOOTSTRAP_SERVERS": proxy.address}), client_id="tests")
        assert proxy.requests[METADATA] < 10, "it is asked once"


def test_a_broker_that_does_not_answer_is_left_to_librdkafka(layout: Layout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        away = settings_of(layout.environment() | {"KAFKA_BOOTSTRAP_SERVERS": address})
        assert client_config(away, client_id="tests")["bootstrap.servers"] == address


@pytest.fixture(scope="module")
def own_home(shelter: Path) -> Iterator[Home]:
    with stack_in(shelter / "of-before") as home:
        yield home


@pytest.fixture
def of_before(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose running stack is as an older clickstream left it: Kafka has no credential of a client, and nothing
    remembers a password of it."""
    monkeypatch.setenv("CLICKSTREAM_HOME", str(own_home.root))
    stack.up(own_home)
    layout = load_layout(own_home)
    assert layout
    with AdminClient(client_config(settings_of(layout.kafka_node_login()), client_id="tests")) as admin:
        gone = UserScramCredentialDeletion(KAFKA_USER, ScramMechanism.SCRAM_SHA_256)
        for future in admin.alter_user_scram_credentials([gone]).values():
            future.result(30)
    remembered = json.loads(layout_file(own_home).read_text())
    del remembered["kafka_password"], remembered["kafka_node_password"]
    layout_file(own_home).write_text(json.dumps(remembered))
    return own_home


def topic_id(home: Home) -> str:
    settings = settings_of(stack.env(home))
    found = describe_topic(settings, settings.events_topic)
    assert found
    return found.topic_id


@pytest.mark.slow
def test_a_home_of_before_is_upgraded_with_its_workers_and_keeps_its_data(
    own_home: Home, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("CLICKSTREAM_HOME", str(own_home.root))
    before = topic_id(own_home)
    start_consumers(load_settings(), count=1)
    request.getfixturevalue("of_before")
    open_to_all = load_layout(own_home)
    assert open_to_all
    assert open_to_all.environment()["KAFKA_SECURITY_PROTOCOL"] == "PLAINTEXT", "until it is upgraded"
    assert stack.up(own_home).started == (KAFKA,)
    settings = load_settings()
    assert settings.kafka
    assert (settings.kafka.security_protocol, settings.kafka.sasl_mechanism) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")
    assert topic_id(own_home) == before
    send(settings, shop(seed=1, count=20))
    wait_until(lambda: len(stored_events(settings)) == 20, "all that was sent is stored")
    control = running(own_home)
    assert control
    control.stop(["consumer-0"])


@pytest.mark.slow
def test_an_upgrade_that_was_cut_lets_no_one_in_and_is_finished_by_the_next(
    of_before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("clickstream.services.kafka.admin.set_password", cut)
        with pytest.raises(KeyboardInterrupt):
            stack.up(of_before)
    half = settings_of(stack.env(of_before))
    for protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
        assert not lets_in(half.model_copy(update={"security_protocol": protocol}))
    assert stack.up(of_before).started == ()
    assert lets_in(half)
    assert topic_id(of_before)
