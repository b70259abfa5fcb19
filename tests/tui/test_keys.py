"""Every key: what it opens, starts or changes; and that read-only mode drops what changes something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions.frame import Frame
from clickstream.tui.app import MODE_NAMES, ClickstreamApp
from clickstream.tui.commands import BY_NAME
from clickstream.tui.screens.choose import ChooseScreen
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.screens.help import HelpScreen
from clickstream.tui.screens.prompt import PromptScreen
from clickstream.tui.widgets.key_line import keys
from clickstream.tui.widgets.row_table import RowTable
from tests.tui import frames
from tests.tui.conftest import MakeApp, settled

Drive = Callable[[Pilot[None], ClickstreamApp, "list[tuple[str, dict[str, Any]]]"], Awaitable[None]]


def driven(app: ClickstreamApp, drive: Drive, size: tuple[int, int] = (120, 40)) -> None:
    """Run the app and drive it; commands that would be started are noted instead."""
    started: list[tuple[str, dict[str, Any]]] = []
    app._start = lambda command, arguments: started.append((command.name, dict(arguments)))  # type: ignore[method-assign]

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await drive(pilot, app, started)

    asyncio.run(run())


async def press(pilot: Pilot[None], *keys_: str) -> None:
    for key in keys_:
        await pilot.press(key)
        await settled(pilot)


@pytest.mark.parametrize(("key", "mode"), [(str(n), name) for n, name in enumerate(MODE_NAMES, start=1)])
def test_number_keys_open_the_screens(make_app: MakeApp, key: str, mode: str) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await press(pilot, key)
        assert app.current_mode == mode

    driven(make_app(frames.running()), drive)


@pytest.mark.parametrize(
    ("presses", "command", "arguments"),
    [
        (("d",), "demo", {}),
        (("v",), "verify", {}),
        (("s", "enter"), "consumer start", {}),
        (("x", "enter"), "producer stop", {}),
        (("K", "enter"), "worker kill", {"name": "producer"}),
        (("K", "down", "enter"), "worker kill", {"name": "consumer-0"}),
        (("2", *["down"] * 4, "x"), "worker stop", {"name": "consumer-0"}),
        (("2", *["down"] * 4, "r"), "worker restart", {"name": "consumer-0"}),
        (("2", *["down"] * 4, "K"), "worker kill", {"name": "consumer-0"}),
        (("2", "minus"), "consumer scale", {"count": 1}),
        (("2", "plus"), "consumer scale", {"count": 3}),
        (("2", "p"), "producer pause", {}),
        (("2", "P", "5", "x", "enter"), "producer pace", {"text": "5x"}),
    ],
)
def test_keys_start_commands(
    make_app: MakeApp, presses: tuple[str, ...], command: str, arguments: dict[str, Any]
) -> None:
    async def drive(pilot: Pilot[None], _app: ClickstreamApp, started: list[tuple[str, dict[str, Any]]]) -> None:
        await press(pilot, *presses)
        assert started == [(command, arguments)]

    driven(make_app(_two_of_three()), drive)


@pytest.mark.parametrize(
    ("presses", "screen"),
    [
        (("question_mark",), HelpScreen),
        (("s",), ChooseScreen),
        (("x",), ChooseScreen),
        (("K",), ChooseScreen),
        (("2", "x"), ConfirmScreen),  # a server: with a question
        (("2", "P"), PromptScreen),
    ],
)
def test_dialogs_open_and_escape_leaves_them(make_app: MakeApp, presses: tuple[str, ...], screen: type) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, started: list[object]) -> None:
        below = len(app.screen_stack)
        await press(pilot, *presses)
        assert isinstance(app.screen, screen)
        await press(pilot, "escape")
        assert len(app.screen_stack) == below
        assert not started

    driven(make_app(_two_of_three()), drive)


def test_nothing_runs_so_s_starts_the_stack(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], _app: ClickstreamApp, started: list[tuple[str, dict[str, Any]]]) -> None:
        await press(pilot, "s")
        assert started == [("stack up", {})]

    driven(make_app(frames.empty()), drive)


def test_what_is_weighty_is_confirmed_with_cancel_first(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, started: list[tuple[str, dict[str, Any]]]) -> None:
        app.run_command("stack down")
        await press(pilot, "enter")
        assert started == []
        app.run_command("stack down")
        await press(pilot, "tab", "enter")
        assert started == [("stack down", {})]

    driven(make_app(frames.running()), drive)


def test_what_cannot_be_undone_is_typed(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, started: list[tuple[str, dict[str, Any]]]) -> None:
        app.run_command("data reset")
        await press(pilot, *"rese", "enter")
        assert started == []
        await press(pilot, "t", "enter")
        assert started == [("data reset", {})]

    driven(make_app(frames.running()), drive)


def test_read_only_drops_every_key_and_command_that_changes_something(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, started: list[object]) -> None:
        for mode in ("1", "2"):
            await press(pilot, mode)
            shown = {key.words for key in keys(app, app.screen)}
            assert not shown & {"start", "stop", "break", "demo", "restart", "kill", "more", "fewer", "pause", "pace"}
            await press(pilot, "d", "s", "x", "K", "r", "plus", "minus", "p", "P")
            assert len(app.screen_stack) == 1
        for command in BY_NAME.values():
            if command.changes:
                app.run_command(command.name)
        await settled(pilot)
        assert len(app.screen_stack) == 1
        assert not started

    driven(make_app(frames.running(), read_only=True), drive)


def test_filter_shows_only_what_matches_until_escape(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await press(pilot, "2", "slash", *"cons !-1", "enter")
        table = app.screen.query_one(RowTable)
        assert [str(row.key.value) for row in table.ordered_rows] == ["consumer-0", "consumer-2"]
        assert "2 of 7" in str(table.border_title)
        await press(pilot, "escape")
        assert table.row_count == 7

    driven(make_app(frames.running()), drive)


def test_any_column_sorts_and_the_choice_is_kept(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        def order() -> list[str]:
            return [str(row.key.value) for row in app.screen.query_one(RowTable).ordered_rows]

        await press(pilot, "2")
        unsorted = order()
        await press(pilot, *["greater_than_sign"] * 5)  # events/s
        assert order()[:2] == ["producer", "consumer-0"]
        app.frame = frames.worker_dead()
        await settled(pilot)
        assert order()[:3] == ["producer", "consumer-0", "consumer-2"]
        await press(pilot, "R")
        assert order()[-1] == "producer"
        await press(pilot, *["less_than_sign"] * 4)  # name
        assert order() == sorted(unsorted)

    driven(make_app(frames.running()), drive)


def test_the_cursor_stays_on_its_row_when_the_order_changes(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await press(pilot, "2", *["down"] * 5)
        table = app.screen.query_one(RowTable)
        assert table.selected == "consumer-1"
        await press(pilot, "greater_than_sign", "R")
        assert table.selected == "consumer-1"

    driven(make_app(frames.running()), drive)


def test_a_refresh_touches_only_what_changed(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[tuple[str, str]] = []
    update = RowTable.update_cell

    def note(self: RowTable, row_key: Any, column_key: Any, value: Any, **rest: Any) -> None:
        touched.append((str(row_key), str(column_key)))
        update(self, row_key, column_key, value, **rest)

    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await press(pilot, "2")
        monkeypatch.setattr(RowTable, "update_cell", note)
        app.frame = frames.running()
        await settled(pilot)
        assert touched == []
        app.frame = frames.worker_dead()
        await settled(pilot)
        assert {row for row, _ in touched} == {"consumer-1"}

    driven(make_app(frames.running()), drive)


def test_quit_and_palette(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await press(pilot, "colon")
        assert type(app.screen).__name__ == "CommandPalette"
        await press(pilot, "escape", "q")
        assert not app.is_running or app._exit

    driven(make_app(frames.running()), drive)


def test_a_key_in_the_line_can_be_clicked(make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None], app: ClickstreamApp, _started: object) -> None:
        await pilot.click("KeyLine", offset=(15, 0))
        await settled(pilot)
        assert app.current_mode == "workers"

    driven(make_app(frames.running()), drive)


def _two_of_three() -> Frame:
    """As running, with one consumer stopped: one more can be started."""
    from dataclasses import replace

    frame = frames.running()
    rows = tuple(
        replace(row, state="stopped", activity="", pid=None, partitions=()) if row.name == "consumer-2" else row
        for row in frame.processes
    )
    return replace(frame, processes=rows)
