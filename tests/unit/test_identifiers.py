"""Names that go to servers, and the characters of every value: what is taken, and what is refused by its variable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.actions.config import show as config_show
from clickstream.cli.main import run
from clickstream.config.problems import SettingsError
from clickstream.config.settings import load_settings, variables

SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "PG_HOST": "p", "VALKEY_HOST": "v"}

RULES: dict[str, Callable[[str], bool]] = {
    # What the servers themselves take, written down again.
    "KAFKA_EVENTS_TOPIC": lambda name: bool(re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name)) and name not in (".", ".."),
    "POSTGRESQL_CONSUMER_GROUP_ID": lambda name: 0 < len(name) < 250 and name.isascii() and name.isprintable(),
    "OPENSEARCH_CONSUMER_GROUP_ID": lambda name: 0 < len(name) < 250 and name.isascii() and name.isprintable(),
    "OPENSEARCH_EVENTS_INDEX": lambda name: (
        name == name.lower() and name[0] not in "_-+." and not set(name) & set('\\/*?"<>| ,#:') and len(name) <= 255
    ),
    "PG_SCHEMA_NAME": lambda name: (
        bool(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name)) and len(name) < 64 and not name.lower().startswith("pg_")
    ),
}

SPOILT = (
    '"',
    "'",
    " ",
    ";",
    "\0",
    "\n",
    "\x1b",
    "\x7f",
    "\x9b",
    "\u202e",
    "/",
    "\\",
    "ä",
    "\u200b",
    "\udcff",
    "%",
    "{}",
)


def accepted(name: str, value: str) -> bool:
    refusal = ""
    try:
        load_settings(SERVERS | {name: value})
    except SettingsError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(name)
    return not refusal


@pytest.mark.parametrize("name", RULES)
@given(value=st.one_of(st.text(min_size=1, max_size=260), st.from_regex(r"\A[A-Za-z0-9._-]{1,260}\Z")))
@example(value="a" * 250)
@example(value="a" * 64)
@example(value=".")
@example(value="..")
@example(value="pg_temp")
@example(value="information_schema")
@example(value="_a")
@example(value="-a")
@example(value="a\n")
def test_what_is_taken_is_a_name_that_the_server_takes(name: str, value: str) -> None:
    if accepted(name, value):
        assert RULES[name](value)
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("spoilt", SPOILT, ids=ascii)
def test_one_odd_character_anywhere_spoils_a_name(name: str, spoilt: str) -> None:
    assert accepted(name, "abc")
    assert not any(accepted(name, value) for value in (f"{spoilt}abc", f"a{spoilt}c", f"abc{spoilt}"))


@pytest.mark.parametrize("name", RULES)
def test_a_wrong_name_is_refused_at_start_by_its_variable(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, 'x"; DROP SCHEMA clickstream; --')
    assert run(["status"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"clickstream: {name}=")
    assert "such as clickstream" in shown.err


@pytest.mark.parametrize("name", sorted(set(variables()) - {"KAFKA_EVENTS_TOPIC"}))
def test_no_value_holds_a_control_character(name: str) -> None:
    secret = "PASSWORD" in name
    for spoilt in ("\0", "\x1b]0;owned\x07", "a\nPG_HOST=b", "\x9b31m"):
        wrong = SERVERS | {name: f"a{spoilt}"}
        if secret and spoilt != "\0":
            load_settings(wrong)  # a password may be anything
            continue
        with pytest.raises(SettingsError, match=f"{name}: holds a control character") as caught:
            load_settings(wrong)
        assert str(caught.value).isprintable()


def test_a_value_that_is_not_text_is_refused_but_for_file_names() -> None:
    for name in ("PG_USER", "PG_PASSWORD", "KAFKA_BOOTSTRAP_SERVERS"):
        with pytest.raises(SettingsError, match=f"{name}: is not UTF-8 text"):
            load_settings(SERVERS | {name: "hush\udcff"})
    assert load_settings(SERVERS | {"PRODUCER_DATA_FILE": "caf\udce9.csv"})


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(SERVERS | {"PG_PORT": "x" * 100_000})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "words"), [(b"PG_USER=\xff\xfe\n", "is not UTF-8 text"), (b"PG_PORT='\x1b[31m'\n", "PG_PORT: holds")]
)
def test_a_dotenv_that_is_not_text_is_a_wrong_setting(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings(SERVERS, folder=tmp_path)
    assert str(caught.value).isprintable()


def test_the_login_in_an_address_is_masked() -> None:
    for address, shown in {
        "https://user:hush@dash.example:443/x?y=1": "https://********@dash.example:443/x?y=1",
        "https://a@b:hush@dash.example": "https://********@dash.example",
        "https://dash.example/@x": "https://dash.example/@x",
    }.items():
        found = config_show.show(load_settings(SERVERS | {"OPENSEARCH_DASHBOARDS_URL": address}))
        assert next(one.value for one in found if one.name == "OPENSEARCH_DASHBOARDS_URL") == shown
