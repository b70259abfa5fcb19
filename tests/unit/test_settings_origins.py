"""A value comes from the first source that has it: environment, `.env`, the embedded stack's file, default."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from clickstream.actions.config.show import show
from clickstream.config.paths import Home
from clickstream.config.settings import SECTIONS, SERVER_ADDRESSES, PipelineSettings, PostgresSettings, load_settings

DEFAULTS = {
    "KAFKA_EVENTS_TOPIC": "clickstream-events",
    "PG_USER": "postgres",
    "PG_PASSWORD": None,
    "VALKEY_USER": None,
    "OPENSEARCH_CONSUMER_GROUP_ID": "clickstream-opensearch",
    "POSTGRESQL_CONSUMER_GROUP_ID": "clickstream-postgresql",
    "AIVEN_PROJECT_NAME": None,
}
"""One variable or more of each section, which takes any word, and its default."""

HELD = dict.fromkeys(("environment", ".env", "embedded"), st.dictionaries(st.sampled_from([*DEFAULTS]), st.booleans()))
"""For each source, the variables that it names: with a value, or with an empty one."""

WORDS = {"environment": "from-environment", ".env": "from-dotenv", "embedded": "from-stack"}


def write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


@given(held=st.fixed_dictionaries(HELD), servers_in=st.sampled_from([None, "environment", ".env"]))
def test_the_first_source_that_has_a_value_gives_it(held: dict[str, dict[str, bool]], servers_in: str | None) -> None:
    """Where a server's address is configured, the embedded stack's file counts for nothing."""
    sources = {
        origin: {name: WORDS[origin] if full else "" for name, full in names.items()} for origin, names in held.items()
    }
    sources["embedded"] |= dict.fromkeys(SERVER_ADDRESSES, "127.0.0.1")
    if servers_in:
        sources[servers_in] |= dict.fromkeys(SERVER_ADDRESSES, "elsewhere")
    write(Path(".env"), sources[".env"])
    write(Home.from_environment().stack_env, sources["embedded"])

    settings = load_settings(sources["environment"])

    order = ["environment", ".env"] if servers_in else ["environment", ".env", "embedded"]
    shown = {variable.name: variable for variable in show(settings)}
    for name, default in DEFAULTS.items():
        origin = next((origin for origin in order if sources[origin].get(name)), None)
        assert settings.sources.get(name) == origin
        assert shown[name].source == (origin or "default")
        if name != "PG_PASSWORD":
            assert shown[name].value == (WORDS[origin] if origin else default)
        elif settings.postgres and origin:
            assert settings.postgres.password
            assert settings.postgres.password.get_secret_value() == WORDS[origin]
    assert settings.embedded == (servers_in is None)
    assert {settings.sources[name] for name in SERVER_ADDRESSES} == {servers_in or "embedded"}


@pytest.mark.parametrize("section", SECTIONS.values())
def test_the_sections_are_settings_of_the_library(section: type[object]) -> None:
    assert issubclass(section, BaseSettings)


def test_a_section_that_is_made_directly_reads_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the embedded stack is asked with does not come from the environment."""
    monkeypatch.setenv("PG_PORT", "1")
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "1")
    Path(".env").write_text("PG_USER=dot\n")
    postgres = PostgresSettings.model_validate({"PG_HOST": "p"})
    assert (postgres.port, postgres.user) == (5432, "postgres")
    assert PipelineSettings().batch_size == 20_000


@pytest.mark.parametrize("value", ['{"a": 1}', "[1, 2]", "null", "true", "$HOME", "${PG_USER}", '"quoted"'])
def test_a_value_is_text_whatever_it_looks_like(value: str) -> None:
    Path(".env").write_text(f"KAFKA_SASL_PASSWORD='{value}'\n")
    settings = load_settings(dict.fromkeys(SERVER_ADDRESSES, "s") | {"PG_PASSWORD": value, "VALKEY_USER": value})
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    assert settings.kafka.sasl_password
    assert settings.kafka.sasl_password.get_secret_value() == value
    assert settings.postgres.password
    assert settings.postgres.password.get_secret_value() == value
    assert settings.valkey.user == value


def test_names_are_in_capitals() -> None:
    Path(".env").write_text("pg_user=dot\n")
    settings = load_settings(dict.fromkeys(SERVER_ADDRESSES, "s") | {"pg_port": "1", "Pg_Database": "x"})
    assert settings.postgres
    assert settings.postgres == PostgresSettings.model_validate({"PG_HOST": "s"})
