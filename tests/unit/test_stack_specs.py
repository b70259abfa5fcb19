"""What the ProcessSpecs and configuration files say; that the servers accept them is for the integration tests."""

from __future__ import annotations

import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec
from clickstream.stack import accounts
from clickstream.stack.kafka import kafka_spec
from clickstream.stack.layout import (
    KAFKA,
    OPENSEARCH,
    OPENSEARCH_TRANSPORT,
    PORTS,
    POSTGRESQL,
    RELAYS,
    VALKEY,
    Layout,
    config_folder,
)
from clickstream.stack.lockfile import read_lock
from clickstream.stack.opensearch import MODULE, opensearch_spec
from clickstream.stack.postgres import postgresql_spec
from clickstream.stack.valkey import valkey_spec


@pytest.fixture
def layout() -> Layout:
    return Layout.fresh().with_free_ports(PORTS)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "a home")
    home.make()
    config_folder(home).mkdir()
    return home


@pytest.fixture
def specs(home: Home, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> dict[str, ProcessSpec]:
    monkeypatch.setattr(accounts, "is_root", lambda: False)
    made = (
        kafka_spec(home, layout, [Path("/cache/a.jar"), Path("/cache/org/b.jar")]),
        postgresql_spec(home, layout),
        valkey_spec(home, layout),
        opensearch_spec(home, layout, [Path("/cache") / jar.name for jar in read_lock("opensearch")]),
    )
    return {spec.name: spec for spec in made}


def test_no_secret_stands_in_a_command(specs: dict[str, ProcessSpec], layout: Layout) -> None:
    commands = [argument for spec in specs.values() for argument in spec.argv]
    commands += [argument for spec in specs.values() for step in spec.setup for argument in step.argv]
    passwords = [value for name, value in asdict(layout).items() if "password" in name]
    assert len(passwords) == 4
    for secret in passwords:
        assert not [argument for argument in commands if secret in argument]


def test_configuration_is_its_owners_only(specs: dict[str, ProcessSpec], home: Home) -> None:
    files = [*config_folder(home).iterdir(), *(home.data / OPENSEARCH / "config").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if not file.is_symlink()} == {0o600}


def test_every_server_listens_on_the_loopback_address_and_its_port(
    specs: dict[str, ProcessSpec], home: Home, layout: Layout
) -> None:
    folder = config_folder(home)
    kafka = (folder / "kafka.properties").read_text().splitlines()
    relay = layout.ports[RELAYS[KAFKA]]
    told = f"CLIENTS://127.0.0.1:{layout.ports[KAFKA]},RELAYED://127.0.0.1:{relay}"
    assert f"advertised.listeners={told}" in kafka
    listeners = next(line for line in kafka if line.startswith("listeners=")).removeprefix("listeners=")
    assert all("://127.0.0.1:" in listener for listener in listeners.split(","))
    postgresql = (folder / "postgresql.conf").read_text().splitlines()
    assert {"listen_addresses = '127.0.0.1'", f"port = {layout.ports[POSTGRESQL]}"} <= set(postgresql)
    assert "unix_socket_directories = ''" in postgresql
    valkey = (folder / "valkey.conf").read_text().splitlines()
    assert {"bind 127.0.0.1", f"port {layout.ports[VALKEY]}", f"requirepass {layout.valkey_password}"} <= set(valkey)


def test_opensearch_listens_on_the_loopback_address_and_its_ports(
    specs: dict[str, ProcessSpec], home: Home, layout: Layout
) -> None:
    lines = (home.data / OPENSEARCH / "config" / "opensearch.yml").read_text().splitlines()
    ports = {f"http.port: {layout.ports[OPENSEARCH]}", f"transport.port: {layout.ports[OPENSEARCH_TRANSPORT]}"}
    assert {"network.host: 127.0.0.1", *ports} <= set(lines)


def test_opensearch_is_laid_out_of_the_locked_jars(specs: dict[str, ProcessSpec], home: Home) -> None:
    folder = home.data / OPENSEARCH
    [quoted] = (folder / "config" / "java.args").read_text().splitlines()[-1:]
    on_class_path = [Path(name).name for name in quoted.strip('"').split(":")]
    in_module = sorted(path.name for path in (folder / "modules" / MODULE).glob("*.jar"))
    assert sorted([*on_class_path, *in_module]) == sorted(jar.name for jar in read_lock("opensearch"))
    assert {name.partition("-")[0] for name in in_module} == {"transport", "opensearch", "netty"}
    assert [name for name in on_class_path if name.startswith("netty")] == []
    version = f"opensearch.version={read_lock('opensearch')[0].version}"
    assert version in (folder / "modules" / MODULE / "plugin-descriptor.properties").read_text().splitlines()


def test_what_a_killed_opensearch_left_and_another_versions_module_go(
    specs: dict[str, ProcessSpec], home: Home, layout: Layout
) -> None:
    folder = home.data / OPENSEARCH
    for stale in (folder / "tmp" / "jna12.tmp", folder / "modules" / MODULE / "old-1.0.jar"):
        stale.touch()
    (folder / "data" / "kept").touch()
    opensearch_spec(home, layout, [Path("/cache") / jar.name for jar in read_lock("opensearch")])
    assert not list((folder / "tmp").iterdir())
    assert not (folder / "modules" / MODULE / "old-1.0.jar").exists()
    assert (folder / "data" / "kept").exists()


def test_data_is_made_in_a_staging_folder_beside_it(specs: dict[str, ProcessSpec], home: Home) -> None:
    for name in (KAFKA, POSTGRESQL):
        (step,) = specs[name].setup
        assert Path(step.makes) == home.data / name
        assert Path(step.staging).parent == home.data
    formatting = (config_folder(home) / "kafka-format.properties").read_text()
    assert "log.dirs=data/kafka.staging\n" in formatting


def test_java_reads_its_arguments_from_a_file(specs: dict[str, ProcessSpec], home: Home) -> None:
    assert "@etc/kafka-java.args" in specs[KAFKA].argv
    arguments = (config_folder(home) / "kafka-java.args").read_text()
    assert arguments.splitlines()[-2:] == ['"-cp"', '"etc/kafka-jars/a.jar:etc/kafka-jars/org/b.jar"']
    assert (config_folder(home) / "kafka-jars").readlink() == Path("/cache")


def test_an_ordinary_user_runs_everything_as_itself_in_its_home(specs: dict[str, ProcessSpec], home: Home) -> None:
    assert {(spec.uid, spec.gid) for spec in specs.values()} == {(None, None)}
    assert Path(specs[POSTGRESQL].argv[2]) == home.data / "postgresql"
