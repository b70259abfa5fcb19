"""Pictures of Overview and Workers, of what lies over them, and of the states that matter.

The other screens' pictures are taken beside their tests. A frame's states show on Overview, Workers, Partitions and
Funnel; Rejects, Logs and Settings have states of their own, and of a frame only its first line and its headline.
After a change that was meant: `pytest tests/tui --snapshot-update`, and look at every picture that changed.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.tui.app import ClickstreamApp
from clickstream.tui.themes import LIGHT
from clickstream.tui.widgets import status_bar
from tests.changing import replace
from tests.tui import frames, funnel_figures
from tests.tui.driving import EVERY_SIZE, SIZES, HeldJob, MakeApp, pressing, until_idle
from tests.waiting import until


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize("state", list(frames.STATES))
def test_overview(snap_compare: Any, make_app: MakeApp, state: str, size: str) -> None:
    assert snap_compare(make_app(frames.STATES[state]()), terminal_size=SIZES[size], run_before=pressing())


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_overview_while_nothing_that_is_read_is_new(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    assert snap_compare(make_app(frames.again()), terminal_size=SIZES[size], run_before=pressing())


@pytest.mark.parametrize("size", EVERY_SIZE[1:])
def test_overview_of_twelve_partitions(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    frame = frames.running()
    partitions = tuple(replace(frame.partitions[n % 3], partition=n, share=1 / 12) for n in range(12))
    consumers = tuple(replace(frame.workers("consumer")[n % 3], name=f"consumer-{n}") for n in range(12))
    others = tuple(row for row in frame.processes if row.role != "consumer")
    frame = replace(frame, partitions=partitions, processes=(*others, *consumers))
    assert snap_compare(make_app(frame), terminal_size=SIZES[size], run_before=pressing())


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize("state", ["empty", "worker_dead", "service_gone"])
def test_workers(snap_compare: Any, make_app: MakeApp, log_folder: Path, state: str, size: str) -> None:
    run = pressing("2", *["down"] * 5)
    assert snap_compare(make_app(frames.STATES[state]()), terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_workers_filtered(snap_compare: Any, make_app: MakeApp, log_folder: Path, size: str) -> None:
    run = pressing("2", "slash", *"cons")
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", EVERY_SIZE[:2])
@pytest.mark.parametrize(
    "keys",
    [("question_mark",), ("K",), ("x", "down", "enter"), ("2", "P")],
    ids=["help", "faults", "confirm", "prompt"],
)
def test_dialogs(snap_compare: Any, make_app: MakeApp, log_folder: Path, keys: tuple[str, ...], size: str) -> None:
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES[size], run_before=pressing(*keys))


def test_help_of_a_screen_with_many_keys(snap_compare: Any, make_app: MakeApp) -> None:
    run = pressing("2", "question_mark")
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES["80x24"], run_before=run)


def test_palette(snap_compare: Any, make_app: MakeApp) -> None:
    async def find(pilot: Any) -> None:
        await pressing("colon", *"prod")(pilot)
        await until(pilot, lambda: not list(pilot.app.workers), "the end of the search")
        await until_idle(pilot)

    assert snap_compare(make_app(frames.running()), terminal_size=SIZES["120x40"], run_before=find)


def test_typed_confirmation(snap_compare: Any, make_app: MakeApp) -> None:
    app = make_app(frames.running())

    async def ask(pilot: Any) -> None:
        await pressing()(pilot)
        app.run_command("data reset")
        await pressing(*"res")(pilot)

    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=ask)


@pytest.mark.parametrize("size", EVERY_SIZE[:2])
def test_progress(
    snap_compare: Any, make_app: MakeApp, held_job: HeldJob, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    app = make_app(frames.running())
    words = "demo: 1,200,000 of 2,756,101 stored"
    now = time.monotonic()
    monkeypatch.setattr(status_bar, "time", SimpleNamespace(monotonic=lambda: now))

    async def show(pilot: Any) -> None:
        await until_idle(pilot)
        held_job.run(app, "demo", began=now - 2_000.0, words=words, done=1_200_000, total=2_756_101)
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES[size], run_before=show)


@pytest.mark.parametrize("severity", ["information", "error"])
def test_notices(snap_compare: Any, make_app: MakeApp, severity: Any) -> None:
    app = make_app(frames.done())
    words = "demo done, verify ok: 2,756,101 events, 1,761,675 sessions, 460 duplicates dropped, 101,502 events/s"
    if severity == "error":
        words = "data generate: data/events.csv is there already (move it away first)"

    async def tell(pilot: Any) -> None:
        await until_idle(pilot)
        app.notify(words, severity=severity, timeout=600, markup=False)
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=tell)


@pytest.mark.parametrize("mode", ["overview", "workers", "funnel"])
def test_light(snap_compare: Any, make_app: MakeApp, answers: None, mode: str) -> None:
    app = funnel_figures.with_postgres(make_app(frames.worker_dead()))
    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=opened(app, mode, LIGHT.name))


@pytest.mark.parametrize("mode", ["overview", "workers"])
def test_without_colours(
    snap_compare: Any, make_app: MakeApp, answers: None, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(frames.worker_dead())
    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=opened(app, mode))


def opened(app: ClickstreamApp, mode: str, theme: str = "") -> Any:
    async def run(pilot: Any) -> None:
        await until_idle(pilot)
        app.theme = theme or app.theme
        app.action_mode(mode)
        await until_idle(pilot)
        await until_idle(pilot)

    return run


def test_read_only(snap_compare: Any, make_app: MakeApp, log_folder: Path) -> None:
    run = pressing("2")
    assert snap_compare(make_app(frames.running(), read_only=True), terminal_size=SIZES["120x40"], run_before=run)


def test_too_small(snap_compare: Any, make_app: MakeApp) -> None:
    assert snap_compare(make_app(frames.running()), terminal_size=(50, 12), run_before=pressing())
