"""Driving the app in a test: its sizes, steps, when it is idle, a job that is held, and what it shows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from clickstream.tui import background
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.commands import BY_NAME
from clickstream.tui.jobs import Job
from clickstream.tui.widgets.log_tail import LogTail
from tests.changing import replace
from tests.waiting import until

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x50": (200, 50)}

EVERY_SIZE = [pytest.param(name, marks=() if name == "120x40" else pytest.mark.slow) for name in SIZES]
"""For what is drawn in each: in the middle one with every run, in the others with the slow tests."""

LOGS = Path("clickstream-home") / "logs"
"""Of the home that FakeSource has."""

MakeApp = Callable[..., ClickstreamApp]

Steps = Callable[[Pilot[None]], Awaitable[None]]

_NOTICES: WeakKeyDictionary[ClickstreamApp, list[tuple[str, str]]] = WeakKeyDictionary()


def keep_notices(app: ClickstreamApp) -> None:
    """From now on `notices` knows what the user was told, however long ago."""
    kept = _NOTICES[app] = []
    notify = app.notify

    def keep(message: str, **how: Any) -> None:
        kept.append((how.get("severity", "information"), message))
        notify(message, **how)

    app.notify = keep  # type: ignore[method-assign]


def notices(app: ClickstreamApp) -> list[tuple[str, str]]:
    """Severity and words of all that the user was told, the newest last."""
    return _NOTICES[app]


def strips(app: ClickstreamApp) -> list[Strip]:
    """The lines on the screen. The framework has no public way to them but a picture."""
    return app.screen._compositor.render_strips()  # noqa: SLF001


def text_of(app: ClickstreamApp) -> str:
    """What stands on the screen, without any colour."""
    return "\n".join(strip.text for strip in strips(app))


class HeldJob:
    """Has an app run a job that does nothing until it is ended."""

    def __init__(self) -> None:
        self._end = threading.Event()

    def run(self, app: ClickstreamApp, name: str, **said: Any) -> Job:
        """Run the command of that name; `said`: the fields of the job that say how far it is."""

        def held(_job: Job) -> str:
            self._end.wait()
            return ""

        job = app.jobs.start(replace(BY_NAME[name], run=held), {})
        assert job is not None
        job.began -= 2_000.0  # so long ago that the moments which pass change no figure
        for field, value in said.items():
            setattr(job, field, value)
        app.job = job
        app.refresh_bindings()
        return job

    def end(self) -> None:
        self._end.set()


async def until_idle(pilot: Pilot[None]) -> None:
    """Wait until the frame is on the screen, what was asked is answered, and nothing moves any more."""
    app = pilot.app
    assert isinstance(app, ClickstreamApp)
    await until(pilot, lambda: app.frame is not None, "a frame")
    await pilot.pause(0)
    await until(pilot, lambda: not asking(), "an answer")
    for tail in app.screen.query(LogTail):
        if (LOGS / f"{tail.process}.log").exists():
            await until(pilot, lambda tail=tail: len(tail.rows), "a log")
    for field in app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause(0)


def asking() -> bool:
    """Whether a screen waits for an answer."""
    return background.THREAD in {one.name for one in threading.enumerate()}


def pressing(*keys: str) -> Steps:
    """These keys, once the frame is there."""

    async def press(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        for key in keys:
            await pilot.press(key)
            await until_idle(pilot)

    return press


def driven(app: ClickstreamApp, steps: Steps, size: str = "120x40") -> None:
    """Run the app, and these steps once the frame is there."""

    async def run() -> None:
        async with app.run_test(size=SIZES[size]) as pilot:
            await until_idle(pilot)
            await steps(pilot)

    asyncio.run(run())
