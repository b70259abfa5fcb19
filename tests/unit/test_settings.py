"""Settings: where values come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.cli.main import run
from clickstream.config.paths import Home
from clickstream.config.problems import SettingsError
from clickstream.config.settings import load_settings, variables

SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "PG_HOST": "p", "VALKEY_HOST": "v"}
STACK = "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:20001\nPG_HOST=127.0.0.1\nPG_PORT=20002\nVALKEY_HOST=127.0.0.1\n"


CONTRACT = """
AIVEN_API_TOKEN AIVEN_PROJECT_NAME
CONSUMER_AUTO_OFFSET_RESET CONSUMER_BATCH_SIZE CONSUMER_SESSION_TIMEOUT_MINUTES KAFKA_BOOTSTRAP_SERVERS
KAFKA_EVENTS_TOPIC KAFKA_EVENTS_TOPIC_PARTITIONS KAFKA_EVENTS_TOPIC_REPLICATION KAFKA_SASL_MECHANISM
KAFKA_SASL_PASSWORD KAFKA_SASL_USERNAME KAFKA_SECURITY_PROTOCOL KAFKA_SSL_CA_FILE KAFKA_SSL_CERT_FILE
KAFKA_SSL_KEY_FILE OPENSEARCH_CA_FILE OPENSEARCH_CONSUMER_GROUP_ID OPENSEARCH_DASHBOARDS_URL OPENSEARCH_ENABLED
OPENSEARCH_EVENTS_INDEX OPENSEARCH_HOST OPENSEARCH_PASSWORD OPENSEARCH_PORT OPENSEARCH_USER OPENSEARCH_USE_SSL
OPENSEARCH_VERIFY_CERTS PG_DATABASE PG_HOST PG_PASSWORD PG_PORT PG_SCHEMA_NAME PG_SSLMODE PG_SSLROOTCERT
PG_USER POSTGRESQL_CONSUMER_GROUP_ID PRODUCER_DATA_FILE VALKEY_DB VALKEY_HOST VALKEY_PASSWORD VALKEY_PORT
VALKEY_SESSION_TTL_HOURS VALKEY_SSL VALKEY_SSL_CA_FILE VALKEY_USER
""".split()


@pytest.fixture
def stack_env() -> Path:
    """The embedded stack's own file, as `stack up` leaves it."""
    path = Home.from_environment().stack_env
    path.parent.mkdir(parents=True)
    path.write_text(STACK)
    return path


def test_with_nothing_configured_there_are_no_servers_yet() -> None:
    settings = load_settings({})
    assert settings.embedded
    assert (settings.kafka, settings.postgres, settings.valkey) == (None, None, None)
    assert settings.pipeline.session_timeout_ms == 30 * 60_000


def test_the_embedded_stack_counts_where_no_server_is_configured(stack_env: Path) -> None:
    settings = load_settings({"PG_SCHEMA_NAME": "other"})
    assert settings.embedded
    assert settings.postgres
    assert (settings.postgres.port, settings.postgres.schema_name) == (20002, "other")
    assert settings.sources["PG_PORT"] == "embedded"


def test_configured_servers_win_and_nothing_of_the_embedded_stack_leaks_in(stack_env: Path) -> None:
    settings = load_settings(SERVERS)
    assert not settings.embedded
    assert settings.postgres
    assert (settings.postgres.host, settings.postgres.port) == ("p", 5432)


def test_the_embedded_stack_named_by_its_own_addresses_is_still_embedded(stack_env: Path) -> None:
    addresses = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:20001", "PG_HOST": "127.0.0.1", "VALKEY_HOST": "127.0.0.1"}
    assert load_settings(addresses).embedded


def test_the_environment_wins_over_dotenv_and_an_empty_value_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PG_PORT=1\nPG_USER=dot\nPG_DATABASE=\n")
    settings = load_settings(SERVERS | {"PG_PORT": "2", "VALKEY_PORT": ""}, folder=tmp_path)
    assert settings.postgres
    assert settings.valkey
    assert (settings.postgres.port, settings.postgres.user, settings.postgres.database) == (2, "dot", "clickstream")
    assert settings.valkey.port == 6379
    assert (settings.sources["PG_PORT"], settings.sources["PG_USER"]) == ("environment", ".env")


def test_some_servers_without_the_others_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"KAFKA_BOOTSTRAP_SERVERS, VALKEY_HOST: not set, although PG_HOST is"):
        load_settings({"PG_HOST": "p"})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("PG_PORT", "70000", "65535"),
        ("PG_PORT", "x", "integer"),
        ("PG_SCHEMA_NAME", 'a"; drop', "letters"),
        ("PG_SCHEMA_NAME", "1a", "letters"),
        ("KAFKA_EVENTS_TOPIC", "a/b", "clickstream-events"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL", "SASL_SSL"),
        ("KAFKA_SSL_CA_FILE", "/nowhere/ca.pem", "existing file"),
        ("OPENSEARCH_CA_FILE", "/nowhere/ca.pem", "existing file"),
        ("OPENSEARCH_VERIFY_CERTS", "certs/ca.pem", "OPENSEARCH_CA_FILE"),
        ("OPENSEARCH_VERIFY_CERTS", "CA.PEM", "OPENSEARCH_CA_FILE"),
        ("OPENSEARCH_VERIFY_CERTS", "perhaps", "boolean"),
        ("CONSUMER_BATCH_SIZE", "0", "1"),
        ("CONSUMER_AUTO_OFFSET_RESET", "newest", "earliest"),
        ("VALKEY_SSL", "maybe", "boolean"),
    ],
)
def test_a_wrong_value_is_refused_by_name_whether_or_not_servers_are_known(name: str, value: str, right: str) -> None:
    for servers in ({}, SERVERS):
        with pytest.raises(SettingsError) as caught:
            load_settings({**servers, name: value})
        assert f"{name}={value}" in str(caught.value)
        assert right in str(caught.value)


LOGIN = {"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "hush", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}


@pytest.mark.parametrize(
    "brokers",
    [
        "127.0.0.1:9092",
        "localhost:9092",
        "LocalHost",
        "localhost.:9092",
        "127.3.2.1:9092, 127.0.0.1:9093",
        "[::1]:9092",
        "::1",
        "[::ffff:127.0.0.1]:9092",
        "SASL_PLAINTEXT://127.0.0.1:9092",
    ],
)
def test_a_password_may_go_unencrypted_over_loopback(brokers: str) -> None:
    settings = load_settings(SERVERS | LOGIN | {"KAFKA_BOOTSTRAP_SERVERS": brokers})
    assert settings.kafka
    assert settings.kafka.security_protocol == "SASL_PLAINTEXT"


@pytest.mark.parametrize(
    "brokers",
    [
        "k:9092",
        "10.0.0.1:9092",
        "127.0.0.1:9092,k:9092",
        "k:9092,127.0.0.1:9092",
        "localhost.example.com:9092",
        "notlocalhost",
        "0.0.0.0:9092",
        "[::]:9092",
        "[::ffff:10.0.0.1]:9092",
        "SASL_PLAINTEXT://k:9092",
    ],
)
def test_a_password_never_goes_unencrypted_to_another_machine(
    brokers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (SERVERS | LOGIN | {"KAFKA_BOOTSTRAP_SERVERS": brokers}).items():
        monkeypatch.setenv(name, value)
    for command in ("status", "config check", "topic show", "consumer start"):
        assert run(command.split()) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT: is for brokers on this machine's loopback address" in said
        assert "SASL_SSL" in said
        assert "hush" not in said


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL", "PLAINTEXT"])
def test_an_address_does_not_choose_another_protocol(protocol: str) -> None:
    """The client would speak it, and log in unencrypted."""
    brokers = "k:9092,SASL_PLAINTEXT://k:9093"
    with pytest.raises(SettingsError, match=f"KAFKA_BOOTSTRAP_SERVERS: asks for another protocol .*={protocol}"):
        load_settings(SERVERS | LOGIN | {"KAFKA_BOOTSTRAP_SERVERS": brokers, "KAFKA_SECURITY_PROTOCOL": protocol})


@pytest.mark.parametrize("missing", ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"])
def test_a_login_is_whole(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing}: not set, and KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT"):
        load_settings(SERVERS | LOGIN | {"KAFKA_BOOTSTRAP_SERVERS": "localhost:9092", missing: ""})


def test_every_wrong_value_is_told_at_once_and_no_secret() -> None:
    wrong = {"PG_PORT": "x", "VALKEY_PORT": "y", "KAFKA_SASL_PASSWORD": "hush", "KAFKA_SASL_MECHANISM": "none"}
    with pytest.raises(SettingsError) as caught:
        load_settings(SERVERS | wrong)
    assert len(str(caught.value).splitlines()) == 3
    assert "hush" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    settings = load_settings(
        SERVERS | {"PG_PASSWORD": "hush", "VALKEY_PASSWORD": "hush", "KAFKA_SASL_PASSWORD": "hush"}
    )
    assert "hush" not in repr(settings)


def test_the_settings_know_exactly_the_variables_of_the_contract() -> None:
    assert set(variables()) == set(CONTRACT)


def test_a_home_with_a_long_path_has_a_short_socket(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("x" * 120))
    assert len(str(deep.socket)) < 100
    assert deep.socket != Home(tmp_path / ("y" * 120)).socket
