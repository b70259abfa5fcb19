"""What every test of the dashboard gets: a clock in UTC, no animation, apps that show frozen frames, frozen answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

from clickstream.actions.observe.model import Frame
from clickstream.tui.app import ClickstreamApp
from tests.tui import benchmark_figures, search_figures
from tests.tui.driving import LOGS, HeldJob, MakeApp, keep_notices
from tests.tui.frames import FakeSource
from tests.tui.stand_ins import LINES, Database, Doctor, Store, write

_parse_rules = Stylesheet._parse_rules  # noqa: SLF001
_parsed: dict[Any, list[RuleSet]] = {}


def _parsed_once(sheet: Stylesheet, css: str, **source: Any) -> list[RuleSet]:
    """Every app parses the same style sheets, with the variables of its theme: a fifth of what these tests take."""
    key = (css, *source.values(), *sheet._variables.items())  # noqa: SLF001
    if key not in _parsed:
        _parsed[key] = _parse_rules(sheet, css, **source)
    return _parsed[key]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none", raising=False)
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parsed_once)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def make_app() -> MakeApp:
    """An app that shows these frames, the last one endlessly; its `source` is a FakeSource. Keys come as fast as they
    like, unless `quiet` says otherwise."""

    def make(*frames: Frame, read_only: bool = False, quiet: float = 0) -> ClickstreamApp:
        app = ClickstreamApp(FakeSource(*frames), read_only=read_only, quiet=quiet)
        keep_notices(app)
        return app

    return make


@pytest.fixture
def held_job() -> Iterator[HeldJob]:
    made = HeldJob()
    yield made
    made.end()


@pytest.fixture
def log_folder() -> Path:
    LOGS.mkdir(parents=True)
    for name, lines in LINES.items():
        write(LOGS, name, lines)
    return LOGS


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr("clickstream.actions.funnel.breakdown", made.breakdown)
    monkeypatch.setattr("clickstream.actions.funnel.ordered_funnel", made.ordered_funnel)
    monkeypatch.setattr("clickstream.actions.sessions.show", made.show)
    return made


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr("clickstream.actions.rejects.listing.listing", made.listing)
    monkeypatch.setattr("clickstream.actions.rejects.listing.find", made.find)
    monkeypatch.setattr("clickstream.actions.rejects.replay.replay", made.replay)
    monkeypatch.setattr("clickstream.actions.rejects.replay.discard", made.discard)
    return made


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Doctor:
    made = Doctor()
    monkeypatch.setattr("clickstream.actions.config.check.check", made.check)
    monkeypatch.delenv("CLICKSTREAM_HOME")
    return made


@pytest.fixture
def history() -> None:
    """Benchmarks were run."""
    benchmark_figures.write(LOGS.parent)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> search_figures.Index:
    made = search_figures.Index()
    monkeypatch.setattr("clickstream.actions.opensearch.search.search", made.search)
    return made


@pytest.fixture
def answers(
    log_folder: Path, database: Database, store: Store, doctor: Doctor, history: None, index: search_figures.Index
) -> None:
    """Every screen has something to show."""
