"""Long work says in the status line how far it is, ends when it is cancelled, and leaves nothing half made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions.demo.progress import DemoProgress, Flow, Phase
from clickstream.actions.reset import ResetResult
from clickstream.domain.errors import Interrupted
from clickstream.pipeline.events.generator import RETAILROCKET, generate_events
from clickstream.services.postgres.verify import Verification
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.commands import BY_NAME
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.widgets.status_bar import StatusBar
from tests.tui import frames
from tests.tui.driving import MakeApp, Steps, driven, notices
from tests.waiting import until


def status(app: ClickstreamApp) -> str:
    return str(app.screen_stack[0].query_one(StatusBar).content)


def cancelled_when(told: str, then: Callable[[ClickstreamApp], Any] = lambda _: None) -> Callable[[str], Steps]:
    """Runs the command, cancels it as soon as the status line says `told`, and waits for its end; `then` is called
    once the cancelling is on the screen."""

    def of(name: str) -> Steps:
        async def steps(pilot: Pilot[None]) -> None:
            app = pilot.app
            assert isinstance(app, ClickstreamApp)
            if app.job is None:
                app.run_command(name)
            await until(pilot, lambda: told in status(app) and "esc cancel" in status(app), told)
            await pilot.press("escape")
            assert isinstance(app.screen, ConfirmScreen)
            await pilot.press("enter")  # "Go on" is chosen first
            assert "cancelling" not in status(app)
            await pilot.press("escape", "tab", "enter")
            then(app)
            await until(pilot, lambda: ("information", f"{name}: cancelled") in notices(app), "the end")
            await until(pilot, lambda: "58.9 k/s stored" in status(app), "the headline")

        return steps

    return of


def test_a_demo_that_is_cancelled_stops_what_it_started(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    workers: list[str] = []

    def demo(_settings: Any, _options: Any, show: Callable[[DemoProgress], None]) -> None:
        workers.append("consumer-0")
        flow = Flow(700, 1_000, 430, 10.0, 10.0, {0: 270}, 5)
        try:
            while True:
                show(DemoProgress(Phase.PIPELINE, "events flow", 1.0, flow=flow))
                threading.Event().wait(0.01)
        finally:
            show(DemoProgress(Phase.PIPELINE, "stopping the workers", 2.0))
            workers.clear()

    monkeypatch.setattr("clickstream.actions.demo.run.demo", demo)
    app = make_app(frames.running())
    driven(app, cancelled_when("430 of 1,000 read  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇")("demo"))
    assert workers == []


def test_generating_is_cancelled_and_no_file_is_there(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir()
    asked = threading.Event()

    def held(_shape: Any, seed: int, _go_on: Any) -> Any:
        assert asked.wait(60)
        return generate_events(RETAILROCKET.scaled(0.01), seed)

    def go_on(_app: ClickstreamApp) -> None:
        assert [path.suffix for path in Path("data").iterdir()] == [".partial"]
        asked.set()

    monkeypatch.setattr("clickstream.actions.data.generate.generate_events", held)
    driven(make_app(frames.running()), cancelled_when("generating data/events.csv", go_on)("data generate"))
    assert list(Path("data").iterdir()) == []


def test_a_verify_that_is_cancelled_has_found_nothing(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def verify(_settings: Any) -> Verification:
        assert answered.wait(60)
        return Verification(1, 1, 1, 0, 0, 0, 0)

    def answer(app: ClickstreamApp) -> None:
        assert "cancelling" in status(app)
        answered.set()

    monkeypatch.setattr("clickstream.actions.verify.sessions.verify", verify)
    app = make_app(frames.running())
    driven(app, cancelled_when("verify: computing every session again, in SQL", answer)("verify"))
    assert app.source.verifications == []  # type: ignore[attr-defined]
    assert app.source.told == []  # type: ignore[attr-defined]


def test_a_benchmark_says_how_far_it_is_and_each_run_that_ended(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SimpleNamespace(partitions=1, events_per_second=203_000.0, ratio_to_copy_limit=0.74, verified=True)

    def benchmark(_settings: Any, _options: Any, say: Any, tell: Any, cancelled: Callable[[], bool]) -> None:
        tell(run)
        while not cancelled():
            say("reading", 600, 1_000)
            threading.Event().wait(0.01)
        raise Interrupted("cancelled")

    monkeypatch.setattr("clickstream.actions.benchmark.series.benchmark", benchmark)
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        app.start_job(BY_NAME["benchmark"], {})
        await cancelled_when("benchmark, run 2 of 3: reading")("benchmark")(pilot)

    driven(app, steps)
    told = [happening.text for happening in app.source.told]  # type: ignore[attr-defined]
    assert told == ["benchmark: 1 partition, 203,000 events/s, 0.74 of the copy limit, verify ok"]


def test_a_reset_empties_everything_or_nothing_so_it_cannot_be_cancelled(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def reset(_settings: Any) -> ResetResult:
        assert go_on.wait(60)
        return ResetResult("clicks", True, True, 1_234)

    monkeypatch.setattr("clickstream.actions.reset.reset", reset)
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        app.run_command("data reset")
        await pilot.press(*"reset", "enter")
        await until(pilot, lambda: "emptying topic, tables and cache" in status(app), "the progress")
        assert "esc" not in status(app)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        go_on.set()
        done = ("information", "emptied: topic clicks, the tables, 1,234 keys in Valkey")
        await until(pilot, lambda: done in notices(app), "the end")

    driven(app, steps)
