"""Ports, passwords and identities that a home remembers, and `stack.env` made of them."""

from __future__ import annotations

import json
import socket
import stat
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from clickstream.config.paths import Home
from clickstream.config.settings import load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.stack.layout import (
    HOST,
    KAFKA,
    KAFKA_CONTROLLER,
    OPENSEARCH,
    PORTS,
    POSTGRESQL,
    SERVERS,
    VALKEY,
    Layout,
    is_free,
    layout_file,
    load_layout,
    save_layout,
)


@pytest.fixture
def home() -> Home:
    home = Home.from_environment()
    home.make()
    return home


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server


def test_a_home_remembers_its_layout(home: Home) -> None:
    layout = Layout.fresh().with_free_ports(SERVERS)
    save_layout(home, layout)
    assert load_layout(home) == layout


def test_before_the_first_start_there_is_none(home: Home) -> None:
    assert load_layout(home) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ports": {}}'])
def test_a_damaged_file_is_said(home: Home, text: str) -> None:
    layout_file(home).write_text(text)
    with pytest.raises(ClickstreamError, match=r"stack\.json is damaged .*stack reset"):
        load_layout(home)


def test_files_with_secrets_are_their_owners_only(home: Home) -> None:
    save_layout(home, Layout.fresh().with_free_ports(SERVERS))
    assert {stat.S_IMODE(file.stat().st_mode) for file in (layout_file(home), home.stack_env)} == {0o600}


def test_settings_find_the_servers_in_stack_env(home: Home) -> None:
    layout = Layout.fresh().with_free_ports(SERVERS)
    save_layout(home, layout)
    settings = load_settings()
    assert settings.embedded
    assert settings.kafka is not None
    assert settings.kafka.bootstrap_servers == f"127.0.0.1:{layout.ports[KAFKA]}"
    assert settings.kafka.sasl_password is not None
    assert (settings.kafka.security_protocol, settings.kafka.sasl_password.get_secret_value()) == (
        "SASL_PLAINTEXT",
        layout.kafka_password,
    )
    assert settings.postgres is not None
    assert settings.postgres.password is not None
    assert (settings.postgres.port, settings.postgres.password.get_secret_value()) == (
        layout.ports[POSTGRESQL],
        layout.postgresql_password,
    )
    assert settings.valkey is not None
    assert settings.valkey.password is not None
    assert (settings.valkey.port, settings.valkey.password.get_secret_value()) == (
        layout.ports[VALKEY],
        layout.valkey_password,
    )


def test_opensearch_is_told_only_where_it_belongs_to_the_stack(home: Home) -> None:
    without = Layout.fresh().with_free_ports(PORTS)
    assert without.servers == SERVERS
    assert not [name for name in without.environment() if name.startswith("OPENSEARCH")]
    layout = replace(without, opensearch=True)
    assert layout.servers == (*SERVERS, OPENSEARCH)
    save_layout(home, layout)
    found = load_settings()
    assert (found.opensearch.enabled, found.opensearch.host) == (True, "127.0.0.1")
    assert (found.opensearch.port, found.opensearch.use_ssl) == (layout.ports[OPENSEARCH], False)
    save_layout(home, without)
    assert not load_settings().opensearch.enabled


def test_a_layout_of_before_opensearch_is_read_as_one_without_it(home: Home) -> None:
    layout = Layout.fresh().with_free_ports(SERVERS)
    save_layout(home, layout)
    remembered = json.loads(layout_file(home).read_text())
    del remembered["opensearch"]
    layout_file(home).write_text(json.dumps(remembered))
    assert load_layout(home) == layout


def test_a_layout_of_before_kafka_asked_for_a_password_is_read_as_it_was_and_completed(home: Home) -> None:
    layout = Layout.fresh().with_free_ports(SERVERS)
    save_layout(home, layout)
    remembered = json.loads(layout_file(home).read_text())
    del remembered["kafka_password"], remembered["kafka_node_password"]
    layout_file(home).write_text(json.dumps(remembered))
    old = load_layout(home)
    assert old
    assert [value for name, value in old.environment().items() if name.startswith("KAFKA_SEC")] == ["PLAINTEXT"]
    assert not [name for name in old.environment() if "SASL" in name]
    completed = old.with_passwords()
    assert completed.environment()["KAFKA_SASL_PASSWORD"] not in {"", layout.kafka_password}
    assert completed.with_passwords() == completed
    assert (completed.ports, completed.postgresql_password) == (layout.ports, layout.postgresql_password)


def test_no_two_layouts_share_a_secret_or_an_identity() -> None:
    layouts = [asdict(Layout.fresh()) for _ in range(2)]
    values = [layout[name] for layout in layouts for name in layout if name.endswith(("_id", "_password"))]
    assert len(values) == len(set(values)) == 12


def test_a_cluster_id_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    for first in range(256):
        monkeypatch.setattr("uuid.uuid4", lambda first=first: uuid.UUID(bytes=bytes([first]) + bytes(15)))
        cluster_id = Layout.fresh().kafka_cluster_id
        assert not cluster_id.startswith("-")
        assert len(cluster_id) == 22


def test_ports_are_distinct_and_free_and_stay() -> None:
    layout = Layout.fresh().with_free_ports(PORTS)
    assert len(set(layout.ports.values())) == sum(map(len, PORTS.values()))
    assert all(is_free(port) for port in layout.ports.values())
    assert layout.with_free_ports(PORTS) == layout


def test_a_taken_port_is_replaced_and_the_others_stay(listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    layout = Layout.fresh().with_free_ports(SERVERS)
    layout = replace(layout, ports={**layout.ports, POSTGRESQL: taken})
    fresh = layout.with_free_ports(SERVERS)
    assert fresh.ports[POSTGRESQL] != taken
    assert {name: fresh.ports[name] for name in (KAFKA, KAFKA_CONTROLLER, VALKEY)} == {
        name: layout.ports[name] for name in (KAFKA, KAFKA_CONTROLLER, VALKEY)
    }


def test_a_running_servers_port_is_left_alone(listener: socket.socket) -> None:
    layout = Layout.fresh().with_free_ports((KAFKA,))
    running = replace(layout, ports={**layout.ports, VALKEY: listener.getsockname()[1]})
    assert running.with_free_ports((KAFKA, POSTGRESQL)).ports[VALKEY] == listener.getsockname()[1]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_listener_on_any_address_makes_a_port_taken(address: str) -> None:
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_a_port_that_is_bound_but_silent_is_taken_too() -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        assert not is_free(server.getsockname()[1])


def test_the_layout_is_written_whole_or_not_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout.fresh().with_free_ports(SERVERS)
    save_layout(home, layout)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="No space left"):
            save_layout(home, Layout.fresh().with_free_ports(SERVERS))
    assert load_layout(home) == layout
    assert not list(home.root.glob(".stack*"))
