"""`clickstream config generate`: from recorded states of all scenarios to files that the settings accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.config import generate as config_generate
from clickstream.actions.config.values import CERTIFICATES, FILE_SETTINGS
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.main import run
from clickstream.config.settings import load_settings
from clickstream.domain.errors import ClickstreamError, UsageError

RECORDED = Path(__file__).resolve().parents[1] / "data" / "terraform"
STATES = sorted(path.name.removesuffix(".tfstate.json") for path in RECORDED.glob("*.tfstate.json"))
SECRETS = ("made-up-", "BEGIN")

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "terraform").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RECORDED / f"{name}.tfstate.json").read_text())
    return document


def applied(name: str, change: Change = lambda outputs: None) -> dict[str, Any]:
    """Lay a recorded state where terraform would, after `change` of its outputs; the outputs' values."""
    state = recorded(name)
    change(state["outputs"])
    Path("terraform/terraform.tfstate").write_text(json.dumps(state))
    return {name: output["value"] for name, output in state["outputs"].items() if isinstance(output, dict)}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_all_scenarios_are_recorded_with_and_without_opensearch() -> None:
    scenarios = ("local", "ec2_public", "ec2_privatelink")
    assert sorted([*scenarios, *(f"{scenario}_opensearch" for scenario in scenarios)]) == STATES


@pytest.mark.parametrize("state", STATES)
def test_every_recorded_state_makes_files_that_the_settings_accept(state: str) -> None:
    outputs = applied(state)
    assert run(["config", "generate"]) == ExitCode.DONE
    settings = load_settings({})
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    assert not settings.embedded
    assert settings.opensearch.enabled is state.endswith("_opensearch")
    assert settings.kafka.security_protocol == "SSL"
    assert settings.kafka.ssl_key_file == Path.cwd() / "certs/service.key"
    assert (settings.kafka.events_topic, settings.kafka.partitions, settings.kafka.replication) == (
        "clickstream-events", 3, 2,
    )  # fmt: skip
    assert settings.postgres.sslmode == "verify-full"
    assert settings.postgres.password
    assert settings.postgres.password.get_secret_value() == outputs["pg_password"]
    assert settings.postgres.database == outputs["pg_database"]
    assert (settings.valkey.ssl, settings.valkey.ssl_ca_file, settings.valkey.user) == (True, None, "default")
    for file, output in CERTIFICATES.items():
        assert Path("certs", file).read_text() == outputs[output]
    assert {mode(path) for path in (Path(".env"), *Path("certs").iterdir())} == {0o600}
    assert mode(Path("certs")) == 0o700
    assert sorted(path.name for path in Path.cwd().iterdir()) == [".env", "certs", "terraform"]


@pytest.mark.parametrize("state", STATES)
def test_addresses_are_the_endpoints_with_privatelink_and_the_services_elsewhere(state: str) -> None:
    outputs = applied(state)
    config_generate.generate(config_generate.plan(Path("terraform"), Path(".env")))
    settings = load_settings({})
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    found = {
        "kafka": settings.kafka.bootstrap_servers,
        "pg": f"{settings.postgres.host}:{settings.postgres.port}",
        "valkey": f"{settings.valkey.host}:{settings.valkey.port}",
    }
    if settings.opensearch.enabled:
        found["opensearch"] = f"{settings.opensearch.host}:{settings.opensearch.port}"
    if "privatelink" in state:
        ends = {one: (outputs[f"{one}_privatelink_endpoint_dns"], outputs[f"{one}_privatelink_port"]) for one in found}
        assert found == {one: f"{host}:{port}" for one, (host, port) in ends.items()}
    else:
        wanted = {one: f"{outputs[f'{one}_host']}:{outputs[f'{one}_port']}" for one in found if one != "kafka"}
        assert found == wanted | {"kafka": outputs["kafka_bootstrap_servers"]}


def test_without_a_port_of_its_own_an_endpoint_has_the_services() -> None:
    outputs = applied(
        "ec2_privatelink", lambda those: [those.pop(f"{one}_privatelink_port") for one in ("kafka", "pg")]
    )
    config_generate.generate(config_generate.plan(Path("terraform"), Path(".env")))
    settings = load_settings({})
    assert settings.kafka
    assert settings.postgres
    port = outputs["kafka_bootstrap_servers"].rpartition(":")[2]
    assert settings.kafka.bootstrap_servers == f"{outputs['kafka_privatelink_endpoint_dns']}:{port}"
    assert settings.postgres.port == outputs["pg_port"]


def test_outputs_that_are_null_are_as_good_as_not_there() -> None:
    optional = ("opensearch_host", "opensearch_port", "opensearch_user", "opensearch_password", "valkey_user",
                "project_name", "ec2_public_ip", "kafka_events_topic_name", "opensearch_dashboards_uri")  # fmt: skip
    applied("local", lambda outputs: outputs.update({name: {"value": None} for name in optional}))
    made = config_generate.generate(config_generate.plan(Path("terraform"), Path(".env")))
    settings = load_settings({})
    assert (made.opensearch, made.instance, settings.opensearch.enabled) == (False, None, False)
    assert settings.valkey
    assert settings.valkey.user == "default"


def test_the_address_of_dashboards_comes_without_a_password() -> None:
    outputs = applied("local_opensearch")
    assert "@" in outputs["opensearch_dashboards_uri"]
    config_generate.generate(config_generate.plan(Path("terraform"), Path(".env")))
    url = load_settings({}).opensearch.dashboards_url
    assert url == "https://" + outputs["opensearch_dashboards_uri"].rpartition("@")[2]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
def test_what_is_said_names_files_and_no_secret(state: str, as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    applied(state)
    assert run(["config", "generate", *(["--json"] if as_json else [])]) == ExitCode.DONE
    said = capsys.readouterr()
    assert not any(secret in said.out + said.err for secret in SECRETS)
    if not as_json:
        assert ".env" in said.err
        assert said.out == ""
        assert ("scp -rp .env certs ubuntu@203.0.113.7:clickstream/" in said.err) is ("privatelink" in state)
        return
    document = json.loads(said.out)
    assert document["scenario"] == state.removesuffix("_opensearch")
    assert document["opensearch"] is state.endswith("_opensearch")
    assert (document["env_file"], document["certificates"][0]) == (".env", "certs/ca.pem")


def test_another_file_elsewhere_names_its_certificates_by_whole_paths(tmp_path: Path) -> None:
    applied("local")
    (tmp_path / "else").mkdir()
    assert run(["config", "generate", "--output", str(tmp_path / "else/x.env")]) == ExitCode.DONE
    text = (tmp_path / "else/x.env").read_text()
    assert f"KAFKA_SSL_CA_FILE={tmp_path}/else/certs/ca.pem\n" in text
    assert not Path(".env").exists()


def test_the_folder_of_terraform_can_be_another(tmp_path: Path) -> None:
    applied("local")
    Path("terraform").rename(tmp_path / "infra")
    assert run(["config", "generate", "--terraform-dir", str(tmp_path / "infra")]) == ExitCode.DONE


@pytest.mark.parametrize("there", [".env", "certs/ca.pem", "certs/service.key"])
def test_what_is_there_is_not_replaced_unasked(there: str, capsys: pytest.CaptureFixture[str]) -> None:
    applied("local")
    Path("certs").mkdir()
    Path(there).write_text("mine")
    assert run(["config", "generate"]) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert there in said
    assert "-f" in said
    assert Path(there).read_text() == "mine"
    assert run(["config", "generate", "--force"]) == ExitCode.DONE
    assert Path(there).read_text() != "mine"
    assert (mode(Path(there)), mode(Path("certs"))) == (0o600, 0o700)


@pytest.mark.parametrize(("answer", "code"), [("y\n", ExitCode.DONE), ("\n", ExitCode.FAILED), ("", ExitCode.FAILED)])
def test_on_a_terminal_it_asks(answer: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    applied("local")
    Path(".env").write_text("mine")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: answer, raising=False)
    assert run(["config", "generate"]) == code
    assert (Path(".env").read_text() == "mine") is (code == ExitCode.FAILED)


def test_a_broken_env_of_before_is_not_an_obstacle() -> None:
    applied("local")
    Path(".env").write_text("KAFKA_BOOTSTRAP_SERVERS=x\n")
    assert run(["config", "generate", "-f"]) == ExitCode.DONE


NEEDED = [
    "deployment_scenario", "project_ca_cert", "kafka_bootstrap_servers", "kafka_access_cert", "kafka_access_key",
    "pg_host", "pg_port", "pg_user", "pg_password", "pg_database", "valkey_host", "valkey_port", "valkey_password",
    "opensearch_port", "opensearch_user", "opensearch_password", "kafka_privatelink_endpoint_dns",
    "pg_privatelink_endpoint_dns", "valkey_privatelink_endpoint_dns", "opensearch_privatelink_endpoint_dns",
]  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("kind", ["missing", "null", "a list", "empty", "not written"])
def test_an_output_that_is_missing_or_wrong_is_named_and_nothing_is_written(name: str, kind: str) -> None:
    changes: dict[str, Change] = {
        "missing": lambda outputs: outputs.pop(name),
        "null": lambda outputs: outputs[name].update(value=None),
        "a list": lambda outputs: outputs[name].update(value=[1]),
        "empty": lambda outputs: outputs[name].update(value=""),
        "not written": lambda outputs: outputs.update({name: 7}),
    }
    applied("ec2_privatelink_opensearch", changes[kind])
    with pytest.raises(ClickstreamError, match=rf"output [^()]*\b{name}\b"):
        config_generate.plan(Path("terraform"), Path(".env"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("pg_port", 70_000, "PG_PORT"),
        ("pg_host", "a\nPG_PORT=1", "PG_HOST"),
        ("project_ca_cert", "no certificate", "project_ca_cert"),
        ("deployment_scenario", "moon", "deployment_scenario"),
        ("kafka_events_topic_partitions", 0, "KAFKA_EVENTS_TOPIC_PARTITIONS"),
        ("pg_password", "a\0b", "PG_PASSWORD"),
    ],
)
def test_values_that_make_no_settings_are_named_and_what_was_there_stays(
    name: str, value: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    applied("local", lambda outputs: outputs[name].update(value=value))
    Path(".env").write_text("mine")
    assert run(["config", "generate", "-f"]) == ExitCode.FAILED
    assert said in capsys.readouterr().err
    assert Path(".env").read_text() == "mine"
    assert sorted(path.name for path in Path.cwd().iterdir()) == [".env", "terraform"]


def test_passwords_with_any_signs_get_through() -> None:
    odd = """ a'b"c\\d$HOME ${x} #e=`f`\t%é\n"""
    applied("local", lambda outputs: outputs["pg_password"].update(value=odd))
    assert run(["config", "generate"]) == ExitCode.DONE
    postgres = load_settings({}).postgres
    assert postgres
    assert postgres.password
    assert postgres.password.get_secret_value() == odd


@pytest.mark.parametrize("blocked", [".env", "certs", "certs/service.cert"])
def test_what_stands_in_the_way_is_named_before_anything_is_written(blocked: str) -> None:
    applied("local")
    if blocked == "certs":
        Path("certs").write_text("a file")
    else:
        Path(blocked).mkdir(parents=True)
    with pytest.raises(UsageError, match=f"{blocked} is there"):
        config_generate.plan(Path("terraform"), Path(".env"))


def test_a_folder_that_is_not_there_is_named() -> None:
    applied("local")
    with pytest.raises(UsageError, match="nowhere is not a folder"):
        config_generate.plan(Path("terraform"), Path("nowhere/.env"))


def test_files_appear_whole_even_when_the_last_cannot_be_put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    applied("local")
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target == Path(".env"):
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert run(["config", "generate"]) == ExitCode.FAILED
    assert not Path(".env").exists()
    assert {path.name for path in Path("certs").iterdir()} == set(FILE_SETTINGS.values())
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["certs", "terraform"]
