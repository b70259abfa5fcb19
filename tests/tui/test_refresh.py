"""A refresh touches only what changed, on every screen: a frame that is equal nothing, one figure only who shows it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from clickstream.actions.observe.model import Frame
from clickstream.tui.app import MODE_NAMES, ClickstreamApp
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.widgets.log_view import LogView
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames, funnel_figures
from tests.tui.driving import MakeApp, driven, until_idle
from tests.tui.stand_ins import COUNT
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("answers")

CALM = 5
"""How often in a row nothing may be drawn before a screen is at rest: what a thread brings is laid out in steps."""

TRIES = 5
"""What a thread brings on a busy machine may come after all that calm; what a frame touches, it touches always."""

SHOW_A_CONSUMER = {"overview": {"strip"}, "workers": {"processes"}, "partitions": {"pressure"}}
"""The widgets that show a consumer's figures, by mode; none on the others."""

SHOW_THE_TIME = {"overview": {"HeaderLine", "PlotextPlot"}}
"""Who changes when only time has passed; on the others the clock in the first line."""


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the widgets that were asked to draw themselves again, and rows of the cells that were."""
    found: list[str] = []
    refresh, update_cell = Widget.refresh, RowTable.update_cell

    def note(self: Widget, *regions: Any, **how: Any) -> Widget:
        found.append(self.id or type(self).__name__)
        return refresh(self, *regions, **how)

    def note_cell(self: RowTable, row_key: Any, *rest: Any, **how: Any) -> None:
        found.append(f"row {row_key}")
        update_cell(self, row_key, *rest, **how)

    monkeypatch.setattr(Widget, "refresh", note)
    monkeypatch.setattr(RowTable, "update_cell", note_cell)
    return found


def one_moved() -> Frame:
    """Only the figures of consumer-1 are others."""
    frame = frames.running()

    def moved(row: Any) -> Any:
        report = replace(row.report, stages={**row.report.stages, "fetch": 0.4}, batch_fill=0.9)
        return replace(row, rate=1_234.0, rates=(*row.rates[1:], 1_234.0), lag=99, report=report)

    return replace(frame, processes=tuple(moved(row) if row.name == "consumer-1" else row for row in frame.processes))


async def touched_by(frame: Frame, pilot: Pilot[None], touched: list[str]) -> set[str]:
    app = pilot.app
    assert isinstance(app, ClickstreamApp)
    touched.clear()
    app.frame = frame
    await until_idle(pilot)
    return set(touched)


async def quiet(pilot: Pilot[None], touched: list[str]) -> None:
    """Until a screen that has just opened has what its threads bring it, and has laid it out."""
    calm = 0
    for _ in range(500):
        touched.clear()
        await until_idle(pilot)
        calm = 0 if touched else calm + 1
        if calm == CALM:
            return
    raise AssertionError(f"never at rest: {set(touched)}")


@pytest.mark.parametrize("mode", MODE_NAMES)
def test_a_refresh_touches_only_what_changed(make_app: MakeApp, touched: list[str], mode: str) -> None:
    app = funnel_figures.with_postgres(make_app(frames.running()))

    async def steps(pilot: Pilot[None]) -> None:
        app.action_mode(mode)
        await until_idle(pilot)
        if mode == "logs":  # its lines are read by a thread
            await until(pilot, lambda: len(app.screen.query_one(LogView).rows) >= COUNT, "lines")
        assert isinstance(app.screen, DashboardScreen)
        for _ in range(TRIES):
            await quiet(pilot, touched)
            app.screen.receive(frames.running())
            await until_idle(pilot)
            if not touched:
                break
        assert touched == []
        later = replace(frames.running(), at=frames.NOW + 2)
        assert await touched_by(later, pilot, touched) == SHOW_THE_TIME.get(mode, {"HeaderLine"})
        await touched_by(frames.running(), pilot, touched)
        found = await touched_by(one_moved(), pilot, touched)
        rows = {"row consumer-1"} if mode in {"workers", "partitions"} else set()
        assert found == SHOW_A_CONSUMER.get(mode, set()) | rows

    driven(app, steps)
