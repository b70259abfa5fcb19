"""The real servers under the real supervisor: start, stop, remember, make way, forget."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import valkey
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from clickstream.actions import stack
from clickstream.config.paths import Home
from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessState
from clickstream.services.kafka.config import client_config
from clickstream.stack import accounts
from clickstream.stack.layout import SERVERS, layout_file, load_layout
from tests.waiting import wait_until

TOPIC = "kept"


@pytest.fixture(scope="module")
def home(shelter: Path) -> Iterator[Home]:
    home = Home(shelter / "stack-own")
    yield home
    stack.down(home)
    stack.reset(home)


@pytest.fixture
def up(home: Home) -> dict[str, str]:
    stack.up(home)
    return stack.env(home)


def connect(env: dict[str, str], password: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=env["PG_HOST"],
        port=int(env["PG_PORT"]),
        user=env["PG_USER"],
        password=password or env["PG_PASSWORD"],
        dbname=env["PG_DATABASE"],
        autocommit=True,
    )


def cache(env: dict[str, str], password: str | None = None) -> valkey.Valkey:
    return valkey.Valkey(host=env["VALKEY_HOST"], port=int(env["VALKEY_PORT"]), password=password)


def kafka(env: dict[str, str]) -> dict[str, Any]:
    return client_config(KafkaSettings.model_validate(env), client_id="tests")


def send(env: dict[str, str], values: list[bytes]) -> None:
    producer = Producer(kafka(env) | {"acks": "all"})
    for value in values:
        producer.produce(TOPIC, value)
    assert producer.flush(30) == 0


def read(env: dict[str, str]) -> list[bytes]:
    with closing(Consumer(kafka(env) | {"group.id": "g", "enable.partition.eof": False})) as consumer:
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=30)
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        return [message.value() for message in consumer.consume(end, 30)]


def processes_of(home: Home) -> list[str]:
    layout = load_layout(home)
    assert layout is not None
    marks = (str(home.root), layout.instance_id)
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join([process.info["cwd"] or "", *(process.info["cmdline"] or ())])
        if any(mark in command for mark in marks):
            found.append(command)
    return found


def test_everything_is_kept_from_down_to_up(home: Home, up: dict[str, str]) -> None:
    admin = AdminClient(kafka(up))
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)
    send(up, [b"one", b"two"])
    with connect(up) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    assert set(stack.down(home).stopped) == {"kafka", "postgresql", "valkey"}
    assert processes_of(home) == []
    assert stack.up(home).started == ("kafka", "postgresql", "valkey")
    env = stack.env(home)
    assert env == up
    assert read(env) == [b"one", b"two"]
    with connect(env) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_second_up_starts_nothing(home: Home, up: dict[str, str]) -> None:
    before = stack.status(home)
    after = stack.up(home)
    assert after.started == ()
    assert [server.pid for server in after.servers] == [server.pid for server in before.servers]
    assert after.running


def test_up_starts_only_what_is_missing(home: Home, up: dict[str, str]) -> None:
    before = {server.name: server.pid for server in stack.status(home).servers}
    control = stack.running(home)
    assert control is not None
    control.stop(["valkey"])
    assert not stack.status(home).running
    status = stack.up(home)
    assert status.started == ("valkey",)
    assert {server.name for server in status.servers if server.pid != before[server.name]} == {"valkey"}


def test_postgresql_is_as_promised(up: dict[str, str]) -> None:
    with connect(up) as connection:
        settings = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        database = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database WHERE datname = %s",
            [up["PG_DATABASE"]],
        ).fetchone()
    assert (settings["data_checksums"], settings["TimeZone"], settings["listen_addresses"]) == (
        "on",
        "UTC",
        "127.0.0.1",
    )
    assert database == ("UTF8", "b", "C.UTF-8")


def test_no_one_gets_in_without_the_password(up: dict[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(up, password="wrong")
    with pytest.raises(valkey.AuthenticationError), closing(cache(up)) as client:
        client.ping()
    with closing(cache(up, up["VALKEY_PASSWORD"])) as client:
        assert client.ping()


def test_topics_are_not_made_by_a_slip_of_the_pen(up: dict[str, str]) -> None:
    admin = AdminClient(kafka(up) | {"allow.auto.create.topics": True})
    assert "typo" not in admin.list_topics(timeout=30).topics
    metadata = admin.list_topics("typo", timeout=30).topics["typo"]
    assert metadata.error is not None
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
        raise KafkaException(metadata.error)


def test_servers_listen_on_the_loopback_address_only(home: Home, up: dict[str, str]) -> None:
    addresses = {
        connection.laddr.ip
        for server in stack.status(home).servers
        for connection in psutil.Process(server.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


@pytest.mark.slow
def test_a_port_that_was_taken_meanwhile_is_replaced(home: Home, up: dict[str, str]) -> None:
    stack.down(home)
    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.bind(("127.0.0.1", int(up["PG_PORT"])))
        intruder.listen()
        stack.up(home)
        env = stack.env(home)
    assert env["PG_PORT"] != up["PG_PORT"]
    assert env["VALKEY_PORT"] == up["VALKEY_PORT"]
    with connect(env) as connection:
        connection.execute("SELECT 1")


@pytest.mark.slow
def test_another_home_runs_beside_and_leaves_nothing(home: Home, up: dict[str, str], shelter: Path) -> None:
    other = Home(shelter / "stack-beside")
    mine = load_layout(home)
    try:
        assert stack.up(other).running
        theirs = load_layout(other)
        assert mine is not None
        assert theirs is not None
        assert set(mine.ports.values()).isdisjoint(theirs.ports.values())
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(stack.env(other), password=up["PG_PASSWORD"])
    finally:
        stack.down(other)
        stack.reset(other)
    assert stack.status(home).running
    assert theirs is not None
    assert not accounts.state_folder(theirs.instance_id).exists()
    assert not other.data.exists()
    with pytest.raises(ClickstreamError, match="no embedded stack"):
        stack.env(other)


def test_reset_refuses_while_it_runs(home: Home, up: dict[str, str]) -> None:
    with pytest.raises(ClickstreamError, match=r"running .*stack down"):
        stack.reset(home)
    assert stack.status(home).running


def test_what_another_user_set_up_is_left_alone(
    home: Home, up: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 54_321)
    with pytest.raises(UsageError, match="another user"):
        stack.up(home)


def test_before_the_first_up_all_is_stopped_and_down_is_not_a_fault(tmp_path: Path) -> None:
    fresh = Home(tmp_path / "fresh")
    assert [(server.name, server.state, server.port) for server in stack.status(fresh).servers] == [
        (name, ProcessState.STOPPED, None) for name in SERVERS
    ]
    assert stack.down(fresh).stopped == ()
    stack.reset(fresh)


def test_a_home_that_cannot_be_used_is_said_in_a_sentence(shelter: Path) -> None:
    broken = Home(shelter / "stack-broken")
    broken.data.mkdir(parents=True)
    (broken.data / "valkey").touch()
    try:
        with pytest.raises(ClickstreamError, match=r"data/valkey: File exists"):
            stack.up(broken)
    finally:
        stack.down(broken)
        stack.reset(broken)


def kafka_of(home: Home) -> stack.ServerStatus:
    return next(server for server in stack.status(home).servers if server.name == "kafka")


def test_where_too_few_files_may_be_open_that_is_said_and_not_the_end_of_a_stack_trace(shelter: Path) -> None:
    home = Home(shelter / "stack-few")
    up = f"ulimit -n 20; exec {shlex.quote(sys.executable)} -P -m clickstream stack up"
    try:
        ended = subprocess.run(
            ["sh", "-c", up],
            env={**os.environ, "CLICKSTREAM_HOME": str(home.root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        wait_until(lambda: kafka_of(home).state is ProcessState.FAILED, "Kafka has failed")
        reason = kafka_of(home).exit_reason
    finally:
        stack.down(home)
        stack.reset(home)
    assert ended.returncode == 1
    assert "java.lang." in reason
    for said in (ended.stderr, reason):
        assert "only 20 files may be open at once: `ulimit -n 10240`" in said
        assert "loadClass" not in said
        assert " more" not in said


def test_reset_recovers_a_damaged_memory(tmp_path: Path) -> None:
    damaged = Home(tmp_path / "damaged")
    damaged.make()
    layout_file(damaged).write_text("{")
    with pytest.raises(ClickstreamError, match="stack reset"):
        stack.status(damaged)
    stack.reset(damaged)
    assert {server.state for server in stack.status(damaged).servers} == {ProcessState.STOPPED}


def test_files_in_the_home_are_closed_to_others(home: Home, up: dict[str, str]) -> None:
    layout = load_layout(home)
    assert layout
    secrets = {up["PG_PASSWORD"], up["VALKEY_PASSWORD"], up["KAFKA_SASL_PASSWORD"], layout.kafka_node_password}
    assert "" not in secrets
    assert home.root.stat().st_mode & 0o077 == 0
    for file in home.root.rglob("*"):
        if file.is_file() and file.stat().st_size < 1_000_000 and secrets & set(_words(file)):
            assert file.stat().st_mode & 0o077 == 0, file
    assert json.loads(layout_file(home).read_text())["postgresql_password"] == up["PG_PASSWORD"]


def _words(file: Path) -> list[str]:
    return file.read_text(errors="replace").replace("=", " ").replace('"', " ").split()
