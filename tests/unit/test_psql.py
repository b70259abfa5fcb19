"""Which psql is started for which server, and what it is told: never a password where others can read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream.actions import psql
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.postgres.inspect import Ping

BUNDLED = 18


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    given = {
        "KAFKA_BOOTSTRAP_SERVERS": "k:9092",
        "VALKEY_HOST": "v",
        "PG_HOST": "p.example",
        "PG_PORT": "6543",
        "PG_USER": "app",
        "PG_PASSWORD": "s3 cret'\"",
        "PG_DATABASE": "shop",
        "PG_SCHEMA_NAME": "Clicks",
    }
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(psql, "version", lambda _: f"{BUNDLED}.6.0")
    return load_settings(given)


def serve(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(psql, "ping", lambda _: Ping(version, 0.1))


def install(folder: Path, told: str) -> Path:
    program = folder / "bin" / "psql"
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("own", "server", "bundled", "taken"),
    [
        ("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.2", True, "own"),
        ("psql (PostgreSQL) 18.1", "14.9", True, "own"),
        ("psql (PostgreSQL) 15.18", "18.6", True, "bundled"),
        ("psql (PostgreSQL) 15.18", "18.6", False, "own"),
        ("psql (PostgreSQL) 19beta1", "20.1", True, "own"),
        ("", "18.6", True, "bundled"),
        ("it is broken", "18.6", True, "bundled"),
    ],
)
def test_the_psql_that_knows_the_server_is_taken(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
    server: str,
    bundled: bool,
    taken: str,
) -> None:
    serve(monkeypatch, server)
    programs = {"bundled": tmp_path / "wheel" / "psql", "own": tmp_path / "bin" / "psql"}
    monkeypatch.setattr(psql, "bundled_psql", lambda: programs["bundled"] if bundled else None)
    if own:
        install(tmp_path, own)
    assert psql.shell(settings).program == programs[taken]


def test_a_server_that_wants_tls_gets_no_psql_that_cannot_speak_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, "18.6")
    monkeypatch.setattr(psql, "bundled_psql", lambda: tmp_path / "wheel" / "psql")
    assert settings.postgres
    strict = settings.postgres.model_copy(update={"sslmode": "verify-full"})
    monkeypatch.setattr(psql, "postgres_of", lambda _: strict)
    with pytest.raises(ClickstreamError, match=r"cannot speak TLS, and this machine has no psql .*install"):
        psql.shell(settings)
    program = install(tmp_path, "psql (PostgreSQL) 15.18")
    found = psql.shell(settings)
    assert (found.program, found.environ["PGSSLMODE"]) == (program, "verify-full")


def test_without_any_psql_the_cure_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, "18.6")
    monkeypatch.setattr(psql, "bundled_psql", lambda: None)
    with pytest.raises(ClickstreamError, match=r"^this machine has no psql \(install PostgreSQL's client"):
        psql.shell(settings)


def test_what_it_is_told_is_our_settings_and_no_variable_of_the_users_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, "18.6")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    monkeypatch.setenv("PSQLRC", "/nowhere/rc")
    found = psql.shell(settings, ["-c", "SELECT 1"])
    assert found.argv == (str(found.program), "-c", "SELECT 1")
    assert {name: value for name, value in found.environ.items() if name.startswith("PG")} == {
        "PGHOST": "p.example",
        "PGPORT": "6543",
        "PGUSER": "app",
        "PGPASSWORD": "s3 cret'\"",
        "PGDATABASE": "shop",
        "PGSSLMODE": "prefer",
        "PGGSSENCMODE": "disable",
        "PGOPTIONS": '-c search_path="Clicks"',
    }
    assert found.environ["PSQLRC"] == "/nowhere/rc"
    assert found.environ["PATH"] == os.environ["PATH"]
    assert "s3 cret" not in repr(found)


def test_where_nothing_is_configured_that_is_said() -> None:
    with pytest.raises(ClickstreamError, match="no servers yet"):
        psql.shell(load_settings({}))
