"""The real dashboard over a real stack: start, scale, kill, watch it come back, verify; and a server that hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from clickstream.actions.control import running
from clickstream.actions.observe.model import DOWN, UP, Frame
from clickstream.actions.observe.watcher import Watcher
from clickstream.actions.processes import consumers
from clickstream.actions.processes.by_name import freeze
from clickstream.config.settings import Settings, load_settings
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.widgets.row_table import RowTable
from tests.waiting import first, until

EVENTS = 3_000
START_MS = 1_430_622_000_000


@pytest.fixture
def data_file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Events for the producer; consumers that the test started are stopped."""
    path = tmp_path / "events.csv"
    lines = (f"{START_MS + 100 * number},{number % 50},view,{number}," for number in range(EVENTS))
    path.write_text("\n".join(["timestamp,visitorid,event,itemid,transactionid", *lines]) + "\n")
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(path))
    yield path
    consumers.stop(settings)
    control = running(settings.home)
    if control:
        control.remove([p.name for p in control.snapshot().processes if p.role != "server"])


async def seen(pilot: Pilot[None], true: Callable[[Frame], bool], what: str) -> Frame:
    """Wait for a frame of which it is true."""
    app = pilot.app
    assert isinstance(app, ClickstreamApp)
    await until(pilot, lambda: app.frame is not None and true(app.frame), what)
    assert app.frame is not None
    return app.frame


def working(count: int) -> Callable[[Frame], bool]:
    return lambda frame: sum(row.state == "running" for row in frame.workers("consumer")) == count


def test_start_scale_kill_watch_it_come_back_verify(data_file: Path) -> None:
    async def drive() -> None:
        with Watcher(load_settings, every=0.2) as watcher:
            app = ClickstreamApp(watcher, quiet=0)
            async with app.run_test(size=(120, 40)) as pilot:
                await seen(pilot, lambda frame: frame.service("kafka").state == UP, "Kafka")
                await pilot.press("s", "enter")
                await seen(pilot, working(3), "three consumers")
                await pilot.press("2", "minus")
                await seen(pilot, working(2), "two consumers")
                app.run_command("producer start")
                await seen(pilot, lambda frame: bool(frame.producer and frame.producer.state == "finished"), "the file")
                await pilot.press("plus")
                await seen(pilot, working(3), "three consumers again")
                table = app.screen.query_one(RowTable)
                while table.selected != "consumer-0":
                    await pilot.press("down")
                await pilot.press("K")
                came_back = "is back"
                await seen(pilot, lambda f: any(came_back in entry.text for entry in f.happenings), "the return")
                await seen(
                    pilot, lambda f: f.lag == 0 and bool(f.counts and f.counts.value.events == EVENTS), "all rows"
                )
                await pilot.press("v")
                frame = await seen(pilot, lambda frame: frame.verification is not None, "verify")
                assert frame.verification
                assert frame.verification.value.ok
                assert frame.verification.value.events == EVENTS
                assert any("verify ok" in entry.text for entry in frame.happenings)

    asyncio.run(drive())


def test_a_server_that_hangs_makes_its_own_figures_old_and_no_frame_late(settings: Settings) -> None:
    with Watcher(load_settings, every=0.2) as watcher:
        frames = watcher.frames()
        try:
            first(frames, lambda frame: frame.service("postgresql").state == UP and frame.partitions, "all answer")
            freeze(settings, "postgresql", frozen=True)
            began = time.monotonic()
            hung = first(frames, lambda frame: frame.service("postgresql").state == DOWN, "it is missed")
            assert time.monotonic() - began < 10
            assert hung.service("kafka").state == UP
            assert hung.partitions[0].as_of < hung.at - 0.5
            gap = time.monotonic()
            next(frames)
            next(frames)
            assert time.monotonic() - gap < 5
        finally:
            freeze(settings, "postgresql", frozen=False)
        back = first(frames, lambda frame: frame.service("postgresql").state == UP, "it is back")
        assert any("PostgreSQL answers again" in entry.text for entry in back.happenings)
