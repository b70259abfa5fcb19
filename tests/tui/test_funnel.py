"""The funnel screen: what it asks, when, what its keys do, and its pictures."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from clickstream.domain.errors import ClickstreamError
from clickstream.tui.screens.funnel import FunnelScreen
from clickstream.tui.screens.visitor import VisitorScreen
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames, funnel_figures
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, driven, text_of, until_idle
from tests.tui.stand_ins import Database
from tests.waiting import until


def not_yet(app: Any) -> int:
    """How many boxes have nothing to show yet."""
    return len(re.findall(r"not counted yet|counting \d", text_of(app)))


async def counted(pilot: Pilot[None]) -> None:
    """Open the screen, and wait for what it asks."""
    await until_idle(pilot)
    await pilot.press("4")
    await until_idle(pilot)
    await until(pilot, lambda: not_yet(pilot.app) == 0, "the figures")


async def looked_up(pilot: Pilot[None]) -> None:
    await counted(pilot)
    await pilot.press("slash", *"257597", "enter")
    screen = pilot.app.screen
    assert isinstance(screen, VisitorScreen)
    await until(pilot, lambda: "3 sessions" in text_of(screen.app), "the visitor")  # type: ignore[arg-type]
    await pilot.press("down", "down")
    await until_idle(pilot)


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture(snap_compare: Any, make_app: MakeApp, database: Database, size: str) -> None:
    app = funnel_figures.with_postgres(make_app(frames.running()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=counted)


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize("state", ["empty", "service_gone"])
def test_picture_without_answers(
    snap_compare: Any, make_app: MakeApp, database: Database, state: str, size: str
) -> None:
    async def open_it(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("4")
        await until_idle(pilot)

    app = make_app(frames.STATES[state]())
    assert snap_compare(app, terminal_size=SIZES[size], run_before=open_it)
    assert database.breakdowns == database.counts == 0


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_a_visitor(snap_compare: Any, make_app: MakeApp, database: Database, size: str) -> None:
    app = funnel_figures.with_postgres(make_app(frames.done()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=looked_up)


def test_picture_before_a_visitor_is_named(snap_compare: Any, make_app: MakeApp, database: Database) -> None:
    async def ask(pilot: Pilot[None]) -> None:
        await counted(pilot)
        await pilot.press("slash")
        await until_idle(pilot)

    app = funnel_figures.with_postgres(make_app(frames.done()))
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=ask)


def test_an_answer_stays_true_while_nothing_is_stored(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.done()))

    async def steps(pilot: Pilot[None]) -> None:
        await counted(pilot)
        source: Any = app.source
        later = replace(frames.done(), at=frames.NOW + 3_600)
        source.push(later)
        await until(pilot, lambda: app.frame is later)
        assert (database.breakdowns, database.counts) == (1, 1)
        await until_idle(pilot)
        assert "as of now" in text_of(app)
        moved = tuple(replace(row, position=row.position + 1) for row in later.partitions)
        more = replace(later, at=later.at + 1, partitions=moved)
        source.push(more)
        await until(pilot, lambda: (database.breakdowns, database.counts) == (2, 2))

    driven(app, steps)


def test_it_is_not_asked_while_another_screen_shows(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.running()))

    async def steps(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("3")
        await until_idle(pilot)
        assert (database.breakdowns, database.counts) == (0, 0)

    driven(app, steps)


def test_o_cancels_and_counts_again(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.running()))
    database.holds = threading.Event()

    async def steps(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("4")
        await until(pilot, database.asked.is_set)
        assert "o cancels" in text_of(app)
        await pilot.press("o")
        await until(pilot, lambda: "cancelled" in text_of(app), "the end of the count")
        source: Any = app.source
        later = replace(frames.running(), at=frames.NOW + 3_600)
        source.push(later)
        await until(pilot, lambda: app.frame is later)
        assert database.counts == 1, "what was cancelled is not asked for again by itself"
        database.holds = None
        await pilot.press("o")
        await until(pilot, lambda: "2,145,179" in text_of(app), "the figures")

    driven(app, steps)


def test_it_says_why_nothing_could_be_counted(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.running()))
    database.error = ClickstreamError("PostgreSQL has no clickstream tables here yet")

    async def steps(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("4")
        words = "could not be counted: PostgreSQL has no"
        await until(pilot, lambda: text_of(app).count(words) == 3, "an answer in each of the three boxes")

    driven(app, steps)


def test_o_says_when_there_is_no_server_to_ask(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.service_gone()))

    async def steps(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("4", "o")
        await until_idle(pilot)
        assert database.counts == 0
        assert "PostgreSQL does not answer" in text_of(app)

    driven(app, steps)


def test_a_visitor_is_looked_up(make_app: MakeApp, database: Database) -> None:
    app = funnel_figures.with_postgres(make_app(frames.done()))

    async def steps(pilot: Pilot[None]) -> None:
        await looked_up(pilot)
        shown = text_of(app)
        assert "3 sessions · 7 events · 1 purchase" in shown
        assert app.screen.query_one("#visitor-events", RowTable).row_count == 3
        assert "12345" in shown
        assert "+8 min" not in shown
        await pilot.press("slash")
        await until_idle(pilot)
        field = app.screen.query_one(Input)
        assert field.has_focus
        assert field.value == ""
        await pilot.press(*"12", "enter")
        await until(pilot, lambda: "nothing is stored of visitor 12" in text_of(app))
        assert app.screen.query_one("#visitor-sessions", RowTable).row_count == 0
        await pilot.press("escape")
        await until_idle(pilot)
        assert isinstance(app.screen, FunnelScreen)

    driven(app, steps)


def test_a_visitor_without_servers_is_a_sentence(make_app: MakeApp) -> None:
    app = make_app(frames.empty())

    async def steps(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        await pilot.press("4", "slash", *"5", "enter")
        await until(pilot, lambda: "no servers yet" in text_of(app))

    driven(app, steps)
