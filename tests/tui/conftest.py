"""What every test of the dashboard gets: a clock in UTC, no animation, and apps that show frozen frames."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from clickstream.actions.frame import Frame
from clickstream.tui.app import ClickstreamApp
from tests.tui.frames import FakeSource

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x50": (200, 50)}

MakeApp = Callable[..., ClickstreamApp]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def make_app() -> MakeApp:
    """An app that shows these frames, the last one for ever; its `source` is a FakeSource."""

    def make(*frames: Frame, read_only: bool = False) -> ClickstreamApp:
        return ClickstreamApp(FakeSource(*frames), read_only=read_only)

    return make


async def settled(pilot: Pilot[None]) -> None:
    """Wait until the frame that was pushed is on the screen and nothing moves any more."""
    app = pilot.app
    assert isinstance(app, ClickstreamApp)
    deadline = time.monotonic() + 10
    while app.frame is None:
        assert time.monotonic() < deadline
        await pilot.pause(0.01)
    for field in app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()
    await pilot.pause()


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """For snap_compare's run_before: these keys, once the frame is there."""

    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return press
