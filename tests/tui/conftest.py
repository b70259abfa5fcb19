"""What every test of the dashboard gets: a clock in UTC, no animation, apps that show frozen frames, frozen answers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.widgets import Input

from clickstream.actions.observe.model import Frame
from clickstream.tui import background
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.widgets.log_tail import LogTail
from tests.tui import benchmark_figures, search_figures
from tests.tui.frames import FakeSource
from tests.tui.stand_ins import LINES, Database, Doctor, Store, write

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x50": (200, 50)}

EVERY_SIZE = [pytest.param(name, marks=() if name == "120x40" else pytest.mark.slow) for name in SIZES]
"""For what is drawn in each: in the middle one with every run, in the others with the slow tests."""

ASKING = {background.THREAD}
"""Names of the threads in which screens ask something that has an answer."""

LOGS = Path("clickstream-home") / "logs"
"""Of the home that FakeSource has."""

MakeApp = Callable[..., ClickstreamApp]

Steps = Callable[[Pilot[None]], Awaitable[None]]

_parse_rules = Stylesheet._parse_rules
_parsed: dict[Any, list[RuleSet]] = {}


def _parsed_once(sheet: Stylesheet, css: str, **source: Any) -> list[RuleSet]:
    """Every app parses the same style sheets, with the variables of its theme: a fifth of what these tests take."""
    key = (css, *source.values(), *sheet._variables.items())
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
    """An app that shows these frames, the last one for ever; its `source` is a FakeSource. Keys come as fast as they
    like, unless `quiet` says otherwise."""

    def make(*frames: Frame, read_only: bool = False, quiet: float = 0) -> ClickstreamApp:
        return ClickstreamApp(FakeSource(*frames), read_only=read_only, quiet=quiet)

    return make


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


async def until(pilot: Pilot[None], true: Callable[[], Any], what: str = "it") -> None:
    """Wait until it is true; a minute is for a machine that is very busy."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come true"
        await pilot.pause(0.01)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until the frame is on the screen, what was asked is answered, and nothing moves any more."""
    app = pilot.app
    assert isinstance(app, ClickstreamApp)
    await until(pilot, lambda: app.frame is not None, "a frame")
    await pilot.pause(0)
    await until(pilot, lambda: not ASKING & {one.name for one in threading.enumerate()}, "an answer")
    for tail in app.screen.query(LogTail):
        if (LOGS / f"{tail.process}.log").exists():
            await until(pilot, lambda tail=tail: len(tail.rows), "a log")
    for field in app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause(0)


def pressing(*keys: str) -> Steps:
    """These keys, once the frame is there."""

    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return press


def driven(app: ClickstreamApp, steps: Steps, size: str = "120x40") -> None:
    """Run the app, and these steps once the frame is there."""

    async def run() -> None:
        async with app.run_test(size=SIZES[size]) as pilot:
            await settled(pilot)
            await steps(pilot)

    asyncio.run(run())


def text_of(app: ClickstreamApp) -> str:
    """What stands on the screen, without any colour."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
