"""docker-compose.yml: that Compose takes it, and what every service must have. No container is started."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickstream.config.problems import file_values
from clickstream.config.settings import load_settings, variables
from clickstream.domain.processes import ProcessSpec, Role
from tests.compose import FILE, PROFILES, ROOT, compose, rendered, settings_of

Service = dict[str, Any]

WORKERS = ("consumer", "indexer", "producer")
OURS = (*WORKERS, "metrics")
ONE_SHOT = ("producer", "topic")
NOT_IN_CONTAINERS = re.compile(
    # No TLS and no logins but passwords within the network; the rest is for people, and for servers at Aiven.
    r"AIVEN_\w+|KAFKA_SECURITY_PROTOCOL|\w+_SSL_\w+|KAFKA_SASL_\w+|PG_SSLROOTCERT|VALKEY_USER|VALKEY_SSL"
    r"|OPENSEARCH_(USER|PASSWORD|USE_SSL|VERIFY_CERTS|CA_FILE|DASHBOARDS_URL)"
)


def services() -> dict[str, Service]:
    found: dict[str, Service] = rendered()["services"]
    return found


ALL = tuple(yaml.safe_load(FILE.read_text())["services"])


@pytest.mark.parametrize("profile", ["", *PROFILES])
def test_compose_takes_it_with_each_profile(profile: str) -> None:
    running = rendered(*([profile] if profile else ["none"]))["services"]
    assert {"kafka", "postgresql", "valkey", "topic"} <= set(running)
    assert all(profile in service.get("profiles", [profile]) for service in running.values())


def test_compose_refuses_a_key_that_it_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("    restart: unless-stopped\n", "    restrat: unless-stopped\n", 1))
    assert "restrat" in compose("config", "--quiet", file=wrong).stderr


def test_every_profile_is_tested() -> None:
    assert {profile for service in services().values() for profile in service.get("profiles", [])} == set(PROFILES)


@pytest.mark.parametrize("name", ALL)
def test_ports_are_bound_to_loopback_only(name: str) -> None:
    ports = services()[name].get("ports", [])
    assert {port["host_ip"] for port in ports} <= {"127.0.0.1"}
    assert name not in WORKERS or not ports  # one that is scaled could not share a port


@pytest.mark.parametrize("name", ALL)
def test_none_lives_in_the_network_of_another(name: str) -> None:
    # That of a container ends when it restarts, and whatever shared it is reached by nothing any more.
    assert not re.match("service:|container:", services()[name].get("network_mode", ""))
    assert set(services()[name]["networks"]) == {"default"}


@pytest.mark.parametrize("name", ALL)
def test_images_are_pinned_to_an_exact_version(name: str) -> None:
    service = services()[name]
    if "build" in service:
        assert (name, service["image"]) in {(ours, "clickstream:local") for ours in OURS}
    else:
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.?\d*(-[a-z]+)?", service["image"])


@pytest.mark.parametrize("name", ALL)
def test_each_is_limited_restarted_and_watched(name: str) -> None:
    service = services()[name]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "container_name" not in service  # it would forbid --scale
    # The image's own, for workers.
    assert ("healthcheck" in service) == (name not in {*WORKERS, "topic"})


@pytest.mark.parametrize("name", OURS)
def test_ours_write_nowhere_and_may_do_nothing(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"topic"}])
def test_each_gets_the_time_to_stop_that_the_supervisor_gives(name: str) -> None:
    given = services()[name]["stop_grace_period"]
    seconds = {"30s": 30, "1m0s": 60}[given]
    ladder = ProcessSpec("worker", Role.CONSUMER, ("worker",)).stop_timeout
    assert seconds >= (ladder if name in OURS else 60)


def test_dependencies_are_waited_for() -> None:
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how["condition"] == wanted, name


def test_data_is_kept_in_named_volumes() -> None:
    stateful = {"kafka", "postgresql", "valkey", "opensearch", "prometheus", "grafana", "producer"}
    kept = {
        name: [mount["source"] for mount in service.get("volumes", []) if mount["type"] == "volume"]
        for name, service in services().items()
    }
    assert {name: names for name, names in kept.items() if names} == {name: [name] for name in stateful}
    assert set(rendered()["volumes"]) == stateful


def test_what_is_mounted_from_the_repository_is_there() -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", [])]
    bound = [mount for mount in mounts if mount["type"] == "bind"]
    assert len(bound) == 5
    for mount in bound:
        assert Path(mount["source"]).exists()
        assert mount["read_only"] is True


def test_no_password_is_on_a_command_line() -> None:
    for service in services().values():
        assert "local-only" not in f"{service.get('command')} {service.get('entrypoint')} {service.get('healthcheck')}"


@pytest.mark.parametrize("name", OURS)
def test_ours_are_given_every_setting_that_counts_there(name: str) -> None:
    given, known = set(settings_of(name)), set(variables())
    assert given <= known
    assert all(NOT_IN_CONTAINERS.fullmatch(missing) for missing in known - given)
    assert not any(NOT_IN_CONTAINERS.fullmatch(one) for one in given)


def test_kafka_is_given_no_variable_that_is_not_a_property_of_its() -> None:
    # The image writes every variable that begins with KAFKA_ into the server's properties.
    foreign = {name for name in variables() if name.startswith("KAFKA_")}
    assert not foreign & (set(services()["kafka"]["environment"]) | set(services()["topic"]["environment"]))


def test_what_env_says_reaches_the_workers_and_the_servers(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(
        "PG_PASSWORD='a$b c'\nVALKEY_PASSWORD=xyz\nPG_PORT=15432\nLOCAL_KAFKA_PORT=19999\n"
        "KAFKA_EVENTS_TOPIC_PARTITIONS=6\nCONSUMER_BATCH_SIZE=500\n"
    )
    model = rendered(env_file=env)
    found = model["services"]
    worker, kafka = found["consumer"]["environment"], found["kafka"]
    assert worker["PG_PASSWORD"] == found["postgresql"]["environment"]["POSTGRES_PASSWORD"]
    assert worker["PG_PASSWORD"].replace("$$", "$") == file_values(env)["PG_PASSWORD"] == "a$b c"
    assert 'requirepass "xyz"' in model["configs"]["valkey"]["content"]
    assert (worker["PG_PORT"], found["postgresql"]["ports"][0]["published"]) == ("5432", "15432")
    assert kafka["ports"][0]["published"] == "19999"
    assert "OUTSIDE://127.0.0.1:19999" in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert worker["KAFKA_EVENTS_TOPIC_PARTITIONS"] == found["topic"]["environment"]["PARTITIONS"] == "6"
    assert worker["CONSUMER_BATCH_SIZE"] == "500"


def test_the_example_of_env_says_what_compose_does_without_one() -> None:
    assert rendered(env_file=ROOT / ".env.local.example")["services"] == services() | {
        name: service | {"environment": service["environment"] | {"OPENSEARCH_ENABLED": "false"}}
        for name, service in services().items()
        if name in OURS and name != "indexer"
    }


def test_a_host_with_the_example_reaches_what_compose_publishes() -> None:
    settings = load_settings({name: value or "" for name, value in file_values(ROOT / ".env.local.example").items()})
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    published = {
        name: [f"{port['host_ip']}:{port['published']}" for port in service.get("ports", [])]
        for name, service in services().items()
    }
    assert published["kafka"] == [settings.kafka.bootstrap_servers]
    assert published["postgresql"] == [f"{settings.postgres.host}:{settings.postgres.port}"]
    assert published["valkey"] == [f"{settings.valkey.host}:{settings.valkey.port}"]
    assert published["opensearch"] == [f"{settings.opensearch.host}:{settings.opensearch.port}"]
    assert settings.opensearch.dashboards_url == f"http://{published['dashboards'][0]}"
