"""The Logs screen: all processes merged, followed, searched, filtered, wrapped; every key; nothing steers anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import SelectionList

from clickstream.tui.app import ClickstreamApp
from clickstream.tui.screens import logs
from clickstream.tui.screens.logs import LogsScreen
from clickstream.tui.screens.pick import PickScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.log_view import LogView
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, strips, until_idle
from tests.tui.frames import empty, running
from tests.tui.stand_ins import COUNT, LINES, write
from tests.waiting import until


def view(app: ClickstreamApp) -> LogView:
    return app.screen_stack[0].query_one(LogView)


def texts(app: ClickstreamApp) -> list[str]:
    rows = view(app).rows
    return [rows.line(index).text for index in dict.fromkeys(rows[row][0] for row in range(len(rows)))]


def drive(app: ClickstreamApp, act: Callable[[Any], Any], count: int = COUNT, size: tuple[int, int] = (80, 24)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.press("6")
            await until(pilot, lambda: len(texts(app)) == count)
            await act(pilot)

    asyncio.run(run())


def press(*keys: str) -> Callable[[Any], Any]:
    async def run(pilot: Any) -> None:
        await pilot.press("6")
        await until(pilot, lambda: len(texts(pilot.app)) == COUNT)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return run


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize(
    ("state", "keys"),
    {
        "all": (),
        "wrapped": ("w",),
        "warnings": ("l",),
        "search": ("slash", *"post"),
        "pick": ("p",),
    }.items(),
)
def test_picture(
    snap_compare: Any, make_app: MakeApp, log_folder: Path, size: str, state: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(running()), terminal_size=SIZES[size], run_before=press(*keys))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_nothing(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    async def shown(pilot: Any) -> None:
        await pilot.press("6")
        await until(pilot, lambda: pilot.app.screen.has_class("-nothing"))

    assert snap_compare(make_app(empty()), terminal_size=SIZES[size], run_before=shown)


def test_picture_while_lines_come(snap_compare: Any, make_app: MakeApp, log_folder: Path) -> None:
    write(log_folder, "producer", [f"2025-05-29T12:00:40.{n:03d}Z INFO producer: {n:,} sent" for n in range(100)])

    async def look(pilot: Any) -> None:
        await until_idle(pilot)
        await pilot.press("6")
        await until(pilot, lambda: len(texts(pilot.app)) == COUNT + 100)
        shown = view(pilot.app)  # the scroll bar below it comes after the rows, and takes one of them
        await until(pilot, lambda: shown.show_horizontal_scrollbar)
        await pilot.press("G")
        await until(pilot, lambda: shown.scroll_y == shown.max_scroll_y)
        for place in (1, 2):  # a second key would not count before the first has moved the view
            await pilot.press("k")
            await until(pilot, lambda place=place: shown.scroll_y == shown.max_scroll_y - place)
        write(log_folder, "producer", ["2025-05-29T12:00:41.000Z INFO producer: more"] * 7)
        await until(pilot, lambda: len(texts(pilot.app)) == COUNT + 107)

    assert snap_compare(make_app(running()), terminal_size=SIZES["80x24"], run_before=look)


def test_lines_stand_in_order_of_time_and_escaped(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        shown = texts(app)
        starts = ["[2025-05-29 11:59:57", "--- 2025", "2025-05-29T11:59:59", "28954:M", "2025-05-29T12:00:10"]
        assert [line[: len(start)] for line, start in zip(shown, starts, strict=False)] == starts
        error = shown.index("2025-05-29T12:00:11.500Z ERROR consumer-1: no such thing")
        assert shown[error + 1 : error + 3] == ["Traceback (most recent call last):", '    File "x.py", line 1']
        assert r"\x1b[31mred\x1b[0m [bold]markup[/bold] \x07" in shown[-1]
        for strip in strips(app):
            assert all(text == "" or text.isprintable() for text, _, control in strip if not control)

    drive(app, act)


def test_levels_go_round_and_a_trace_belongs_to_its_error(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("l")
        assert len(texts(app)) == 7
        await pilot.press("l")
        assert len(texts(app)) == 5
        assert "Traceback (most recent call last):" in texts(app)
        assert any("STATEMENT" in line for line in texts(app))
        await pilot.press("l")
        assert len(texts(app)) == COUNT

    drive(app, act)


def test_it_follows_until_one_looks_up_and_again_from_the_end(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())
    more = [f"2025-05-29T12:01:00.000Z INFO consumer-0: {n}" for n in range(100)]

    async def act(pilot: Any) -> None:
        write(log_folder, "consumer-0", more)
        await until(pilot, lambda: len(texts(app)) == COUNT + 100)
        assert view(app).scroll_y == view(app).max_scroll_y > 0
        await pilot.press("k")
        top = view(app).scroll_y
        write(log_folder, "consumer-0", more[:7])
        await until(pilot, lambda: "+7 lines" in str(view(app).border_subtitle))
        assert view(app).scroll_y == top
        await pilot.press("G")
        await pilot.pause()
        assert view(app).scroll_y == view(app).max_scroll_y
        assert "following" in str(view(app).border_subtitle)
        await pilot.press("f")
        assert not view(app).following
        await pilot.press("g")
        await pilot.pause()
        assert view(app).scroll_y == 0
        assert not view(app).following

    drive(app, act)


def test_search_goes_from_match_to_match_and_round(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("slash", *"POSTGRESQL", "enter")
        await pilot.pause()
        assert app.focused is view(app)
        rows = view(app).rows
        assert [rows.line(index).text[11:19] for index in rows.matches] == ["12:00:10", "12:00:12"]
        places = []
        for key in ("n", "n", "N", "N"):
            await pilot.press(key)
            places.append(rows.place)
        assert places == ["1", "2", "1", "2"]
        await pilot.press("slash", "escape")
        await pilot.pause()
        assert rows.needle == ""

    drive(app, act)


def test_a_search_that_finds_nothing_says_so(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("slash", *"[/x]", "enter", "n", "N")
        await pilot.pause()
        assert "not found" in str(view(app).border_subtitle)

    drive(app, act)


def test_wrapping_shows_every_character_and_keeps_the_place(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        rows = view(app).rows
        await pilot.press("w")
        await pilot.pause()
        assert len(rows) > COUNT
        for index in {row[0] for row in map(rows.__getitem__, range(len(rows)))}:
            pieces = [row for row in map(rows.__getitem__, range(len(rows))) if row[0] == index]
            assert "".join(rows.line(index).text[start:end] for _, start, end in pieces) == rows.line(index).text
        assert view(app).max_scroll_x == 0
        await pilot.press("w")
        await pilot.pause()
        assert len(rows) == COUNT

    drive(app, act)


def test_picking_processes_shows_theirs_alone(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("p")
        await pilot.pause()
        assert isinstance(app.screen, PickScreen)
        assert app.screen.query_one(SelectionList).selected == list(LINES)
        await pilot.press("a", "down", "space", "enter")
        await until(pilot, lambda: texts(app) and len(texts(app)) == len(LINES["consumer-1"]))
        assert view(app).border_title == "logs of 1 of 5 processes"
        await pilot.press("p", "escape")
        await pilot.pause()
        assert isinstance(app.screen, LogsScreen)

    drive(app, act)


def test_huge_logs_are_read_from_their_end_and_further_back_on_request(
    make_app: MakeApp, log_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FIRST_LINES", 10)
    monkeypatch.setattr(logs, "MOST_LINES", 40)
    write(log_folder, "producer", [f"2025-05-29T11:00:00.{n:03d}Z INFO producer: {n}" for n in range(1000)])
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("g", "g")
        await until(pilot, lambda: len(texts(app)) == COUNT + 40)
        await pilot.pause()
        assert view(app).scroll_y == 0
        await pilot.press("g", "g")
        write(log_folder, "producer", ["2025-05-29T12:00:41.000Z INFO producer: one more"])
        await until(pilot, lambda: len(texts(app)) == COUNT + 41, "no earlier line, and the new one")

    drive(app, act, count=COUNT + 10)


def test_filter_bar_is_left_with_escape(make_app: MakeApp, log_folder: Path) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("slash", "x", "escape")
        await pilot.pause()
        assert not app.screen.query_one(FilterBar).has_class("-open")
        assert app.focused is view(app)

    drive(app, act)
