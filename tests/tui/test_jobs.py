"""Jobs: they run in threads, say how far they are, can be cancelled, and end in one clear line."""

from __future__ import annotations

import threading

import pytest
from textual.pilot import Pilot

from clickstream.domain.errors import ClickstreamError
from clickstream.tui.app import MODE_NAMES
from clickstream.tui.commands import BY_NAME
from clickstream.tui.jobs import Job
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.widgets.status_bar import StatusBar, progress
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import HeldJob, MakeApp, driven, notices, until_idle
from tests.waiting import until


def replaced(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    monkeypatch.setitem(BY_NAME, "verify", replace(BY_NAME["verify"], run=run))


def test_progress_is_shown_and_the_end_is_told(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def run(job: Job) -> str:
        job.report("counting sheep", 43, 100)
        assert go_on.wait(60)
        return "100 sheep"

    replaced(monkeypatch, run)
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("v")
        status = app.screen.query_one(StatusBar)
        await until(pilot, lambda: "counting sheep" in str(status.content) and "43 %" in str(status.content))
        await pilot.press("v")
        assert "is running already" in notices(app)[0][1]
        go_on.set()
        await until(pilot, lambda: ("information", "100 sheep") in notices(app))
        await until(pilot, lambda: "58.9 k/s stored" in str(status.content))
        assert app.source.asked == 1  # type: ignore[attr-defined]

    driven(app, steps)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClickstreamError("no producer is running", hint="start one"), "verify: no producer is running (start one)"),
        (FileNotFoundError(2, "No such file", "a.csv"), "verify: a.csv: No such file"),
        (ValueError("oops"), "verify: internal error: ValueError: oops"),
    ],
)
def test_errors_are_one_line_and_the_app_stays(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def run(_job: Job) -> str:
        raise error

    replaced(monkeypatch, run)
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("v")
        await until(pilot, lambda: ("error", words) in notices(app))
        await pilot.press("2")
        assert app.current_mode == "workers"

    driven(app, steps)


def test_quitting_while_a_job_runs_asks(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def run(_job: Job) -> str:
        go_on.wait(60)
        return ""

    replaced(monkeypatch, run)
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("v", "q")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("enter")
        await until_idle(pilot)
        assert app.is_running
        assert len(app.screen_stack) == 1
        go_on.set()

    driven(app, steps)


def test_the_progress_line_has_rate_and_time_left_and_fits() -> None:
    job = Job(
        BY_NAME["demo"], frames.FakeSource(), {}, lambda _: None, words="generating events.csv", done=300, total=1200
    )
    line = str(progress(job, 100, 10.0))
    assert "25 %" in line
    assert "30/s" in line
    assert "30 s left" in line
    assert "esc cancel" in line
    assert all(len(str(progress(job, width, 10.0))) <= width for width in range(78, 200))


@pytest.mark.parametrize("done", [0, 1, 100, 600, 1200])
def test_the_progress_line_needs_no_room(done: int) -> None:
    """A screen that opens has no width before its first layout."""
    job = Job(BY_NAME["demo"], frames.FakeSource(), {}, lambda _: None, words="verifying", done=done, total=1200)
    for width in range(79):
        progress(job, width, 10.0)


def test_every_screen_opens_while_a_job_has_hardly_begun(make_app: MakeApp, held_job: HeldJob) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        held_job.run(app, "demo", words="computing every session again, in SQL", done=12, total=100)
        for number, name in enumerate(MODE_NAMES, start=1):
            await pilot.press(str(number))
            await until_idle(pilot)
            assert app.current_mode == name
            assert "12 %" in str(app.screen.query_one(StatusBar).content)

    driven(app, steps)
