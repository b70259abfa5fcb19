"""How workers are started: they must see what the command line saw, and no secret may be on show."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.actions.config import show as config_show
from clickstream.actions.processes import workers
from clickstream.config.settings import load_settings, variables

SERVERS = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "PG_HOST": "127.0.0.1",
    "PG_PASSWORD": "pg-secret",
    "VALKEY_HOST": "127.0.0.1",
    "VALKEY_PASSWORD": "valkey-secret",
}


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)


def test_a_worker_reads_the_settings_of_its_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("CONSUMER_BATCH_SIZE=123\nVALKEY_SSL=true\n")
    monkeypatch.setenv("PRODUCER_DATA_FILE", "data/mine.csv")
    settings = load_settings()
    # The supervisor may have been started elsewhere, with settings of its own.
    inherited = {"PG_SCHEMA_NAME": "stale", "CONSUMER_BATCH_SIZE": "7", "VALKEY_DB": "3"}
    spec = workers.consumer_spec(settings, "consumer-0")
    seen = load_settings(inherited | spec.env, folder=Path("/"))
    assert (seen.kafka, seen.postgres, seen.valkey) == (settings.kafka, settings.postgres, settings.valkey)
    assert seen.pipeline.batch_size == 123
    assert seen.pipeline.data_file == Path("data/mine.csv").absolute()
    assert spec.env["CLICKSTREAM_HOME"] == str(settings.home.root)
    assert spec.cwd == str(Path.cwd())


def test_no_secret_is_on_the_command_line() -> None:
    spec = workers.producer_spec(load_settings(), ["--file", "x"])
    assert not any("-secret" in word for word in spec.argv)
    assert spec.env["PG_PASSWORD"] == "pg-secret"


def test_the_embedded_stack_s_own_file_is_left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SERVERS:
        monkeypatch.delenv(name)
    home = load_settings().home
    home.make()
    home.stack_env.write_text("".join(f"{name}={value}\n" for name, value in SERVERS.items()))
    spec = workers.consumer_spec(load_settings(), "consumer-0")
    assert {spec.env[name] for name in SERVERS} == {""}
    assert load_settings(spec.env).postgres == load_settings().postgres


def test_secrets_are_masked_where_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {one.name: one for one in config_show.show(load_settings())}
    assert set(shown) == {"CLICKSTREAM_HOME", *variables()}
    assert not any("-secret" in (one.value or "") for one in shown.values())
    assert (shown["PG_PASSWORD"].value, shown["PG_PASSWORD"].source) == (config_show.MASK, "environment")
    assert (shown["PG_PORT"].value, shown["PG_PORT"].source) == ("5432", "default")
    assert shown["KAFKA_SASL_PASSWORD"].value is None
