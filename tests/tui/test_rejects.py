"""The Rejects screen: what it shows at each size, every key of it, and that no payload steers anything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import TextArea

from clickstream.domain.errors import ServiceUnavailable
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.screens.edit import EditScreen
from clickstream.tui.screens.rejects import RejectsScreen
from clickstream.tui.widgets.payload_view import PayloadView
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, notices, strips, until_idle
from tests.tui.frames import running
from tests.tui.stand_ins import ALL, EVENT, Store, message
from tests.waiting import until


async def until_shown(pilot: Any, come: Callable[[], Any] = lambda: True) -> None:
    """Until jobs are done, the screen's threads have answered, and what they said is drawn."""
    await until(pilot, lambda: come() and not any(one.name[:4] == "job-" for one in threading.enumerate()))
    await until_idle(pilot)


def screen(app: ClickstreamApp) -> RejectsScreen:
    assert isinstance(app.screen, RejectsScreen)
    return app.screen


def press(*keys: str) -> Callable[[Any], Any]:
    async def run(pilot: Any) -> None:
        await pilot.press("5")
        await until_shown(pilot)
        for key in keys:
            await pilot.press(key)
            await until_shown(pilot)

    return run


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize(
    ("state", "keys"),
    {
        "list": (),
        "escapes": ("down",),
        "hex": ("down", "h"),
        "opened": ("down", "o"),
        "filter": ("slash", *"[bold]"),
        "edit": ("m",),
        "discard": ("x",),
    }.items(),
)
def test_picture(
    snap_compare: Any, make_app: MakeApp, store: Store, size: str, state: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(running()), terminal_size=SIZES[size], run_before=press(*keys))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_nothing(snap_compare: Any, make_app: MakeApp, store: Store, size: str) -> None:
    store.rejects.clear()
    assert snap_compare(make_app(running()), terminal_size=SIZES[size], run_before=press())


def test_picture_without_postgresql(snap_compare: Any, make_app: MakeApp, store: Store) -> None:
    store.problem = "PostgreSQL does not answer: connection refused"
    store.rejects = [one for one in ALL if one.source == "csv"]
    assert snap_compare(make_app(running()), terminal_size=SIZES["80x24"], run_before=press())


def drive(app: ClickstreamApp, act: Callable[[Any], Any], size: tuple[int, int] = (120, 40)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.press("5")
            await until_shown(pilot, lambda: app.screen.query_one(RowTable).row_count)
            await act(pilot)

    asyncio.run(run())


def test_no_cell_and_no_view_holds_a_control_character(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        for keys in ((), ("down",), ("h",), ("o",)):
            await pilot.press(*keys)
            await until_shown(pilot)
            for strip in strips(app):
                assert all(text == "" or text.isprintable() for text, _, control in strip if not control)

    drive(app, act)


def test_markup_in_payloads_and_filters_is_text(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("slash", *"[/]")
        await until_shown(pilot)
        assert screen(app).selected == store.rejects[1]
        shown = str(app.screen.query_one(PayloadView).query_one("#description").render())
        assert r"\x1b[31m\x1b]0;owned\x07[bold]not bold[/bold] [/] \xff\x00\r\n\u202e" in shown
        await pilot.press("escape")
        await until_shown(pilot)
        assert app.screen.query_one(RowTable).row_count == len(ALL)

    drive(app, act)


def test_open_shows_the_payload_alone_and_goes_back(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        for there, back in (("o", "o"), ("enter", "escape")):
            await pilot.press(there)
            await until_shown(pilot)
            assert not app.screen.query_one("#list").display
            await pilot.press(back)
            await until_shown(pilot)
            assert app.screen.query_one("#list").display
            assert app.focused is app.screen.query_one(RowTable)

    drive(app, act)


def test_replay_sends_the_selected_one_and_it_leaves_the_list(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("down", "r")
        await until_shown(pilot, lambda: app.screen.query_one(RowTable).row_count == len(ALL) - 1)
        assert store.sent == [([ALL[1].id], None)]

    drive(app, act)


def test_discard_asks_and_cancel_is_chosen_first(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("enter")
        await until_shown(pilot)
        assert store.discarded == []
        await pilot.press("x", "tab", "enter")
        await until_shown(pilot, lambda: store.discarded)
        assert store.discarded == [ALL[0].id]

    drive(app, act)


def test_an_edit_sends_only_what_is_an_event(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("m")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, EditScreen)
        app.screen.query_one(TextArea).text = EVENT.decode()
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until_shown(pilot, lambda: store.sent)
        assert store.sent == [([ALL[0].id], EVENT)]

    drive(app, act)


def test_leaving_the_editor_sends_nothing(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("m", "escape")
        await until_shown(pilot)
        assert screen(app)
        assert store.sent == []

    drive(app, act)


def test_a_payload_too_large_to_edit_names_the_way(make_app: MakeApp, store: Store) -> None:
    store.rejects = [message(5, "JSON is malformed", b"[" * 1_000_000)]
    app = make_app(running())

    async def act(pilot: Any) -> None:
        await pilot.press("m")
        await until_shown(pilot)
        assert screen(app)
        assert any("rejects show p1@5 --raw" in message for _, message in notices(app))

    drive(app, act)


def test_read_only_offers_no_key_that_changes_something(make_app: MakeApp, store: Store) -> None:
    app = make_app(running(), read_only=True)

    async def act(pilot: Any) -> None:
        await pilot.press("r", "m", "x")
        await until_shown(pilot)
        assert screen(app)
        assert store.sent == store.discarded == []
        actions = {active.binding.action for active in app.screen.active_bindings.values() if active.enabled}
        assert not actions & {"replay_selected", "edit_selected", "discard_selected"}

    drive(app, act)


def test_the_list_is_asked_for_now_and_then_and_what_was_heard_stays(make_app: MakeApp, store: Store) -> None:
    app = make_app(running())

    async def act(pilot: Any) -> None:
        before = store.asked
        store.error = ServiceUnavailable("PostgreSQL", "connection refused")
        app.source.push(replace(running(), at=running().at + 1))  # type: ignore[attr-defined]
        await until_shown(pilot)
        assert store.asked == before
        app.source.push(replace(running(), at=running().at + 20))  # type: ignore[attr-defined]
        await until_shown(pilot, lambda: store.asked == before + 1)
        await until_shown(
            pilot, lambda: "PostgreSQL does not answer" in (app.screen.query_one(RowTable).border_subtitle or "")
        )
        assert app.screen.query_one(RowTable).row_count == len(ALL)
        assert "20 s old" in (app.screen.query_one(RowTable).border_subtitle or "")

    drive(app, act)
