"""A variable that looks like a setting and is not one is pointed out, once, with the name that was meant."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from clickstream.config import settings as module
from clickstream.config.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_pointed_out", set())


def said(caplog: pytest.LogCaptureFixture, dotenv: str, **environ: str) -> list[str]:
    Path(".env").write_text(dotenv)
    with caplog.at_level(logging.WARNING):
        load_settings(environ)
        load_settings(environ)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("PG_SCHEMANAME", "PG_SCHEMA_NAME"),
        ("VALKEY_PASWORD", "VALKEY_PASSWORD"),
        ("CONSUMER_SESSION_TIMEOUT_MINUTE", "CONSUMER_SESSION_TIMEOUT_MINUTES"),
    ],
)
def test_a_name_with_a_slip_is_pointed_out(caplog: pytest.LogCaptureFixture, name: str, meant: str) -> None:
    (line,) = said(caplog, f"{name}=s3cret\n")
    assert name in line
    assert f"did you mean {meant}?" in line
    assert "s3cret" not in line


def test_in_a_file_every_unknown_name_is_pointed_out(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = said(caplog, "KAFKA_COLOUR=blue\nMY_OWN=1\n")
    assert "KAFKA_COLOUR (.env)" in line


def test_variables_of_other_programs_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    assert (
        said(caplog, "", KAFKA_HEAP_OPTS="-Xmx1g", PG_CONFIG="/usr/bin/pg_config", OPENSEARCH_JAVA_HOME="/java") == []
    )
    assert said(caplog, "", KAFKA_BOOTSTRAP_SERVER="k:9092") != []


@pytest.mark.parametrize("example", [".env.local.example", ".env.aiven.example"])
def test_our_own_examples_hold_no_unknown_name(caplog: pytest.LogCaptureFixture, example: str) -> None:
    lines = [line.lstrip("# ") for line in (ROOT / example).read_text().splitlines()]
    names = [line.partition("=")[0] for line in lines if line.partition("=")[0].isupper() and "_" in line]
    Path(".env").write_text("".join(f"{name}=\n" for name in names))
    with caplog.at_level(logging.WARNING):
        load_settings({})
    assert [record.getMessage() for record in caplog.records] == []
