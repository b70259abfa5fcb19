"""What every test of the dashboard gets: a clock in UTC, no animation, and apps that show frozen frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

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
