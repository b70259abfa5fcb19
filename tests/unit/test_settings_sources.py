"""All settings have one source, the settings classes: whatever else sets or lists variables must know exactly those."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from clickstream.actions.config.generate import generate, plan
from clickstream.config.problems import file_values
from clickstream.config.settings import load_settings, variables
from tests import kubernetes
from tests.compose import settings_of

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests/data/terraform"
OURS = re.compile(r"(?:AIVEN|CONSUMER|KAFKA|OPENSEARCH|PG|POSTGRESQL|PRODUCER|VALKEY)_\w+")
LISTED = re.compile(rf"(?m)^(?:# )?({OURS.pattern})=")


@dataclass(frozen=True)
class Source:
    """Something that sets variables of ours."""

    name: str
    values: Callable[[], Mapping[str, str | None]]
    """The variables that it sets, and to what."""
    listed: Callable[[], set[str]] | None = None
    """Those that it names, set or not; None where it need not name all."""


def example(name: str) -> Source:
    """A file of KEY=value lines in the repository."""
    path = ROOT / name
    return Source(name, lambda: file_values(path), lambda: set(LISTED.findall(path.read_text())))


def generated(state: Path) -> Source:
    """What `config generate` writes for a recorded state, into the working folder."""

    def make() -> Path:
        terraform = Path("terraform")
        terraform.mkdir(exist_ok=True)
        (terraform / "terraform.tfstate").write_text(state.read_text())
        generate(plan(terraform, Path("made.env")))
        return Path("made.env")

    name = f"config generate, {state.name.removesuffix('.tfstate.json')}"
    return Source(name, lambda: file_values(make()), lambda: set(LISTED.findall(make().read_text())))


SOURCES = [
    example(".env.aiven.example"),
    example(".env.local.example"),
    *(generated(state) for state in sorted(RECORDED.glob("*.tfstate.json"))),
    *(
        Source(f"compose, {name}", partial(settings_of, name))
        for name in ("consumer", "indexer", "producer", "metrics")
    ),
    *(Source(f"kubernetes, {name}", partial(kubernetes.environment, name)) for name in ("base", "overlays/example")),
]
"""To add one, give its name and how its variables are read; see Source."""


def faults(source: Source, known: set[str]) -> list[str]:
    """A line for each variable that `source` sets and that is not known, or that it should name and does not."""
    values = source.values()
    names = source.listed() if source.listed else set(values)
    lines = [f"{source.name}: {name} is not a setting" for name in sorted((names | set(values)) - known)]
    if source.listed:
        lines += [f"{source.name}: {name} is missing" for name in sorted(known - names)]
    return lines


@pytest.fixture(autouse=True)
def _certificates() -> None:
    """Files where the examples say that certificates lie."""
    Path("certs").mkdir()
    for name in ("ca.pem", "service.cert", "service.key"):
        Path("certs", name).write_text("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_it_knows_every_setting_and_no_other(source: Source) -> None:
    assert faults(source, set(variables())) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_its_values_are_accepted(source: Source) -> None:
    settings = load_settings({name: value or "" for name, value in source.values().items()})
    assert not settings.embedded
    assert set(settings.sources.values()) == {"environment"}


def test_a_variable_that_is_missing_or_unknown_is_seen() -> None:
    source = Source("x", lambda: {"PG_HOST": "a", "PG_HOTS": "b"}, lambda: {"PG_HOST", "PG_HOTS"})
    assert faults(source, {"PG_HOST", "PG_PORT"}) == ["x: PG_HOTS is not a setting", "x: PG_PORT is missing"]
    assert faults(Source("y", lambda: {"PG_HOST": "a"}), {"PG_HOST", "PG_PORT"}) == []
