"""What the mouse does: rows, column heads, keys in the key line, boxes, menus, buttons, and the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Button, OptionList

from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.screens.help import HelpScreen
from clickstream.tui.widgets.footer import KeyLine
from clickstream.tui.widgets.log_tail import LogTail
from clickstream.tui.widgets.log_view import LogView
from clickstream.tui.widgets.row_table import RowTable
from tests.tui import frames
from tests.tui.driving import EVERY_SIZE, MakeApp, driven, until_idle
from tests.tui.stand_ins import COUNT, write
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("answers")


async def click(pilot: Pilot[None], on: Any, x: int, y: int = 0) -> None:
    assert await pilot.click(on, offset=(x, y))
    await until_idle(pilot)


def wheel(view: LogView, event: type[MouseScrollUp | MouseScrollDown]) -> None:
    view.post_message(event(view, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=False))


def test_a_row_is_chosen_and_a_head_sorts(make_app: MakeApp) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until_idle(pilot)
        table = app.screen.query_one(RowTable)
        assert table.selected == "kafka"
        await click(pilot, table, 5, 6)  # a border, the heads, and the fifth row
        assert table.selected == "consumer-0"
        assert app.screen.query_one(LogTail).border_title == "log of consumer-0"
        for sign, first in (("↑", "consumer-0"), ("↓", "valkey")):
            await click(pilot, table, 5, 1)
            assert str(table.ordered_columns[0].label) == f"name{sign}"
            assert str(table.ordered_rows[0].key.value) == first

    driven(app, steps)


@pytest.mark.parametrize("size", EVERY_SIZE[:2])
def test_keys_in_the_key_line(make_app: MakeApp, size: str) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        def place(of: str) -> int:
            padding = 1
            return app.screen.query_one(KeyLine).render_line(0).text.index(of) + padding

        await click(pilot, KeyLine, place(" 2 ") + 1)
        await until(pilot, lambda: app.current_mode == "workers")
        await until_idle(pilot)
        await click(pilot, KeyLine, place("x stop") + 2)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await click(pilot, "#no", 3, 1)
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await click(pilot, KeyLine, place("? help"))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))

    driven(app, steps, size)


@pytest.mark.parametrize(
    ("box", "mode"),
    [
        ("strip", "workers"), ("throughput PlotextPlot", "partitions"), ("lag", "partitions"), ("sessions", "funnel"),
        ("funnel", "funnel"), ("happened", "logs"), ("services", "workers"),
    ],
)  # fmt: skip
def test_a_box_opens_the_screen_that_says_more(make_app: MakeApp, box: str, mode: str) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await click(pilot, f"#{box}", 3, 1)
        assert app.current_mode == mode

    driven(app, steps, "200x50")


def test_menus_and_buttons(make_app: MakeApp) -> None:
    app = make_app(frames.running())
    started: list[str] = []
    app.start_job = lambda command, _arguments: started.append(command.name)  # type: ignore[method-assign]

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("x")
        await click(pilot, OptionList, 3, 2)  # the second choice
        assert isinstance(app.screen, ConfirmScreen)
        assert app.screen.query_one("#yes", Button).label.plain == "consumer stop"
        await click(pilot, "#yes", 3, 1)
        assert started == ["consumer stop"]

    driven(app, steps)


def test_the_wheel_looks_back_in_the_log_and_follows_again_at_its_end(make_app: MakeApp, log_folder: Path) -> None:
    write(log_folder, "kafka", [f"[2025-05-29 12:00:00,{n:03d}] INFO line {n}" for n in range(200)])
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("6")
        view = app.screen.query_one(LogView)
        await until(pilot, lambda: len(view.rows) == COUNT + 200)
        await until_idle(pilot)
        end = view.scroll_y
        wheel(view, MouseScrollUp)
        await until_idle(pilot)
        assert view.scroll_y < end
        assert not view.following
        for _ in range(3):
            wheel(view, MouseScrollDown)
            await until_idle(pilot)
        assert view.scroll_y == view.max_scroll_y
        assert view.following

    driven(app, steps)
