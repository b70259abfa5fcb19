"""The search screen: what it asks OpenSearch, when, what its keys do, what it says without an answer, its pictures."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.domain.errors import UsageError
from clickstream.tui.widgets.query_bar import QueryBar
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, driven, pressing, text_of, until_idle
from tests.tui.search_figures import Index, gone, searchable, with_opensearch
from tests.waiting import until

KEY = "9"


@pytest.fixture
def app(make_app: MakeApp, index: Index) -> Any:
    return with_opensearch(make_app(searchable()))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture(snap_compare: Any, app: Any, size: str) -> None:
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing(KEY))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_a_query_that_is_typed(snap_compare: Any, app: Any, size: str) -> None:
    run = pressing(KEY, "slash", *"event:transaction")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize("state", ["off", "down", "empty", "refused"])
def test_picture_without_results(snap_compare: Any, make_app: MakeApp, index: Index, state: str, size: str) -> None:
    index.empty = state == "empty"
    if state == "refused":
        index.error = UsageError('the query is none that OpenSearch understands: Encountered "<EOF>" at line 1')
    frame = {"off": frames.running, "down": gone}.get(state, searchable)()
    app = make_app(frame) if state == "off" else with_opensearch(make_app(frame))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing(KEY))
    assert len(index.queries) == (state in {"empty", "refused"})


def test_a_query_is_typed_and_searched_for(app: Any, index: Index) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(KEY)
        await until_idle(pilot)
        assert index.queries == ["*"]
        assert "2,756,101 events" in text_of(app)
        await pilot.press("slash")
        await until_idle(pilot)
        await pilot.press(*"item_id:9", "enter")
        await until_idle(pilot)
        assert index.queries == ["*", "item_id:9"]
        assert isinstance(app.focused, RowTable)
        await pilot.press("slash", *"x", "escape")
        await until_idle(pilot)
        assert app.screen.query_one(QueryBar).value == "item_id:9", "what was typed is taken back"
        await pilot.press("slash", "delete", "enter")
        await until_idle(pilot)
        assert index.queries[-1] == "*", "nothing is everything"

    driven(app, steps)


def test_it_is_not_asked_while_another_screen_shows(app: Any, index: Index) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await until_idle(pilot)
        assert index.queries == []

    driven(app, steps)


def test_it_is_asked_again_only_when_more_is_indexed(app: Any, index: Index) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(KEY)
        await until_idle(pilot)
        later = replace(searchable(), at=frames.NOW + 3_600)
        app.source.push(later)
        await until(pilot, lambda: app.frame is later)
        await until_idle(pilot)
        assert index.queries == ["*"]
        assert "as of" not in text_of(app), "nothing was indexed since, so that the answer is true"
        more = replace(searchable(indexed=500_000), at=frames.NOW + 3_601)
        app.source.push(more)
        await until(pilot, lambda: index.queries == ["*", "*"])

    driven(app, steps)


def test_the_results_stay_while_opensearch_is_away(app: Any) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(KEY)
        await until_idle(pilot)
        away = gone()
        app.source.push(away)
        await until(pilot, lambda: app.frame is away)
        assert "2,756,101 events" in text_of(app)
        assert "as of 90 s ago" in text_of(app)

    driven(app, steps)


def test_an_answer_to_the_query_before_comes_too_late(app: Any, index: Index) -> None:
    index.held["*"] = threading.Event()

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(KEY)
        await until(pilot, lambda: index.queries == ["*"], "the first query")
        index.error = UsageError("no")
        await pilot.press("slash", *"event:(", "enter")
        await until(pilot, lambda: "✖ no" in text_of(app), "the second answer")
        index.held["*"].set()
        await until_idle(pilot)
        assert "✖ no" in text_of(app)
        assert "2,756,101" not in text_of(app)

    driven(app, steps)
