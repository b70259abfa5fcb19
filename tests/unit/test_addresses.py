"""What is pasted into an address is checked for its form, and no message repeats it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.cli.main import run
from clickstream.config import addresses
from clickstream.config.settings import SettingsError, load_settings, variables

SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "PG_HOST": "p", "VALKEY_HOST": "v"}
SECRET = "s3cr3t-Pa55"
FORMS = (
    f"postgres://user:{SECRET}@host:5432/db",
    f"rediss://default:{SECRET}@host:6379",
    f"user:{SECRET}@host",
    f"https://user:{SECRET}@host:9200/",
    f"host=db password={SECRET}",
    f"k1:9092,sasl://user:{SECRET}@k2:9092",
    f"//user:{SECRET}@host",
    f"postgres://user:{SECRET}@host:5432/db?sslmode=require ",
)
HOSTS = ("PG_HOST", "VALKEY_HOST", "OPENSEARCH_HOST")


WRONG = [(name, form) for name in (*HOSTS, "KAFKA_BOOTSTRAP_SERVERS", "PG_PORT", "PG_SSLMODE") for form in FORMS]
WRONG += [(name, form) for name in ("PG_USER", "PG_DATABASE", "VALKEY_USER") for form in FORMS if "://" in form]


@pytest.mark.parametrize(("name", "form"), WRONG)
def test_a_secret_in_the_wrong_place_is_not_repeated(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for variable, value in {**SERVERS, name: form}.items():
        monkeypatch.setenv(variable, value)
    for line in ("config check --json", "config show", "status --json", "consumer start", "topic show"):
        assert run(line.split()) == 2
        shown = capfd.readouterr()
        assert SECRET not in shown.out + shown.err
        assert name in shown.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PG_HOST", "db:5432", "the host's name alone, and the port"),
        ("VALKEY_HOST", "cache example", "blank"),
        ("PG_HOST", "[::1]", "without them"),
        ("OPENSEARCH_HOST", "http://search", "name alone"),
        ("VALKEY_HOST", "a,b", "give one"),
        ("PG_HOST", "-db", "form of a host name"),
        ("KAFKA_BOOTSTRAP_SERVERS", "k:port", "1 to 65535"),
        ("KAFKA_BOOTSTRAP_SERVERS", "k:0", "1 to 65535"),
        ("KAFKA_BOOTSTRAP_SERVERS", "k:9092,", "form of a host name"),
        ("KAFKA_BOOTSTRAP_SERVERS", "k 9092", "blank"),
        ("KAFKA_BOOTSTRAP_SERVERS", "[k]:9092", "brackets"),
        ("PG_PORT", "x", "integer"),
    ],
)
def test_a_wrong_form_is_refused_with_the_right_one(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**SERVERS, name: value})
    assert name in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "value", ["db", "db.example.com", "db.example.com.", "10.0.0.1", "::1", "fe80::1%eth0", "bücher"]
)
def test_hosts_as_people_have_them_are_taken(value: str) -> None:
    assert addresses.host(value) == value


@pytest.mark.parametrize(
    "value",
    ["k:9092", "k", "k1:9092,k2:9092", "10.0.0.1:9092", "[::1]:9092", "::1", "SASL_SSL://k:9092", "my_k:9092"],
)
def test_brokers_as_people_have_them_are_taken(value: str) -> None:
    assert addresses.brokers(value) == value


def test_the_folder_of_a_socket_is_taken_for_postgresql() -> None:
    assert addresses.host_or_socket("/var/run/postgresql") == "/var/run/postgresql"


@given(st.text(min_size=1), st.text(min_size=8))
def test_no_login_ever_passes_for_an_address(user: str, password: str) -> None:
    for form in (f"{user}:{password}@host", f"x://{user}:{password}@host"):
        for check in (addresses.host, addresses.host_or_socket, addresses.brokers):
            with pytest.raises(ValueError, match=r"give|write") as caught:
                check(form)
            assert password not in str(caught.value)


def test_every_variable_of_a_server_is_known_here() -> None:
    """A new variable for an address has to be added above."""
    named = {name for name in variables() if name.endswith(("_HOST", "_SERVERS"))}
    assert named == {*HOSTS, "KAFKA_BOOTSTRAP_SERVERS"}
