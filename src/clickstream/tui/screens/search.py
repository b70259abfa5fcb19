"""Searches the index in OpenSearch: five charts of a query's result, and its newest events."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content

from clickstream.actions.observe.model import ASKING, DOWN, UP
from clickstream.actions.observe.poll import MOST_OF_THE_TIME
from clickstream.tui.background import BackgroundQuery
from clickstream.tui.drawing import search as drawing
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, FAILED
from clickstream.tui.drawing.text import clip, seconds
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.widgets.line import StaticLine, set_titles
from clickstream.tui.widgets.panel import Draw, Panel
from clickstream.tui.widgets.query_bar import QueryBar
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.services.opensearch.search import SearchResult

EVERYTHING = "*"

SEARCH_EVERY = 10.0
"""Seconds from one search to the next, at least, where more may be found."""

MOST_SLOTS, NEWEST = 200, 50
"""Spans of time, and documents, that are asked for."""

OLD_AFTER = 15.0
"""Seconds after which the age of an answer is shown."""

Words = list[tuple[str, str]]
"""Sentences, each with its style."""


class SearchScreen(DashboardScreen):
    """The search."""

    CSS = """
    SearchScreen #query { border: round $border-blurred; border-title-color: $text-muted; height: 3; padding: 0 1; }
    SearchScreen #query:focus { border: round $accent; border-title-color: $accent; }
    SearchScreen #told { height: 1; padding: 0 2; }
    SearchScreen #none { height: 1fr; padding: 1 2; display: none; }
    SearchScreen #pictures { height: 1fr; }
    SearchScreen #time { height: 1fr; }
    SearchScreen #four { height: 15; layout: grid; grid-size: 2; grid-rows: 6 9; }
    SearchScreen #newest { height: 8; }
    SearchScreen.-tall #four { height: 18; grid-rows: 6 12; }
    SearchScreen.-tall #newest { height: 11; }
    SearchScreen.-short #query, SearchScreen.-short #query:focus { border: none; height: 1; padding: 0 2; }
    SearchScreen.-short #four { height: 11; grid-rows: 5 6; }
    SearchScreen.-short #newest { display: none; }
    SearchScreen.-nothing #pictures { display: none; }
    SearchScreen.-nothing #none { display: block; }
    """
    AUTO_FOCUS = "#newest"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "query",
            "query",
            key_display="/",
            tooltip="search for something else (opensearch search)",
            id="query",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._query = EVERYTHING
        self._asked = self._new_search()
        """Of this query only: an answer to the one before comes too late."""

    def body(self) -> ComposeResult:
        yield QueryBar(self._query, id="query")
        yield StaticLine(id="told")
        yield StaticLine(id="none")
        with Vertical(id="pictures"):
            yield Panel(self._of(self._over_time), title="events over time", id="time")
            with Container(id="four"):
                yield Panel(self._of(drawing.breakdown), title="event types", id="kinds")
                yield Panel(self._of(drawing.funnel), title="conversion funnel", id="visitors")
                yield Panel(
                    self._of(lambda found, *size: drawing.items(found.top_viewed, *size)),
                    title="top viewed items",
                    id="viewed",
                )
                yield Panel(
                    self._of(lambda found, *size: drawing.items(found.top_purchased, *size)),
                    title="top purchased items",
                    id="purchased",
                )
            yield RowTable(drawing.COLUMNS, title="the newest events", classes="box", id="newest")

    def show(self, frame: Frame) -> None:
        self._ask(frame)
        found = self._found
        self.set_class(found is None or not found.hits, "-nothing")
        self.query_one("#told", StaticLine).put(self._told(frame))
        words = self._why_nothing(frame) if found is None or not found.hits else []
        width = max(20, self.app.size.width - 6)
        lines = [Content.styled(line, style) for text, style in words for line in wrap(text, width) or [""]]
        self.query_one("#none", StaticLine).put(Content("\n").join(lines), layout=True)
        if found is None or not found.hits:
            return
        for panel in self.query(Panel):
            panel.show(frame)
        newest = self.query_one("#newest", RowTable)
        newest.put({str(n): drawing.document_cells(one) for n, one in enumerate(found.newest)})
        if self.focused is None and newest.focusable:
            self.set_focus(newest)

    def on_resize(self) -> None:
        self.show_again()

    @on(QueryBar.Asked)
    def _search(self, event: QueryBar.Asked) -> None:
        self._query = event.query.strip() or EVERYTHING
        self.query_one(QueryBar).value = self._query
        self._asked.abandon()
        self._asked = self._new_search()
        self.show_again()

    @on(QueryBar.Left)
    def _leave_query(self) -> None:
        newest = self.query_one("#newest")
        self.set_focus(newest if newest.focusable else None)

    def action_query(self) -> None:
        """Have a query typed."""
        self.query_one(QueryBar).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "query":
            return not isinstance(self.focused, QueryBar)
        return super().check_action(action, parameters)

    @property
    def _found(self) -> SearchResult | None:
        return self._asked.figure.value if self._asked.figure is not None else None

    def _of(self, draw: Callable[[SearchResult, int, int], Content]) -> Draw:
        """The picture of what was found; there is one whenever pictures show."""

        def drawn(_: Frame, width: int, height: int) -> Content:
            found = self._found
            return draw(found, width, height) if found is not None and found.hits else Content("")

        return drawn

    def _over_time(self, found: SearchResult, width: int, height: int) -> Content:
        set_titles(self.query_one("#time"), subtitle=drawing.time_span(found, width))
        return drawing.over_time(found, width, height)

    def _ask(self, frame: Frame) -> None:
        if frame.service("opensearch").state == UP and self._asked.due(frame.at, _indexed(frame)):
            settings, query = self.dashboard.settings, self._query

            def question() -> SearchResult:
                from clickstream.actions.opensearch.search import search

                return search(settings, query, slots=MOST_SLOTS, newest=NEWEST)

            self._asked.start(question, frame.at, _indexed(frame))

    def _new_search(self) -> BackgroundQuery[SearchResult]:
        return BackgroundQuery(self, self.show_again, every=SEARCH_EVERY, share=MOST_OF_THE_TIME)

    def _told(self, frame: Frame) -> Content:
        """One line: what was found, or what went wrong."""
        width, asked = max(10, self.app.size.width - 4), self._asked
        if asked.figure is None:
            return Content.styled("" if asked.asking_since is None else "searching", BUSY)
        if asked.error and frame.service("opensearch").state == UP:
            return Content.styled(clip(f"✖ {asked.error}", width), FAILED)
        age = asked.figure.age(frame.at)
        down = frame.service("opensearch").state != UP
        late = f" · as of {seconds(age)} ago" if age > OLD_AFTER or down else ""
        words = drawing.hits_words(asked.figure.value) + late
        return Content.styled(clip(words, width), BUSY if down else DIM if late else "")

    def _why_nothing(self, frame: Frame) -> Words:
        """What to do where there is nothing to draw."""
        service = frame.service("opensearch")
        if not self.dashboard.settings.opensearch.enabled:
            return _switched_off(embedded=frame.embedded or not frame.configured)
        if service.state == DOWN:
            return [(f"✖ {service.error}", FAILED), ("", ""), ("The search goes on as soon as it answers.", DIM)]
        if service.state != UP:
            style = BUSY if service.state == ASKING else DIM
            return [(f"OpenSearch: {service.error or 'asking'}", style)]
        if self._asked.error:
            return [(f"✖ {self._asked.error}", FAILED)]
        return _nothing_found(self._found) if self._found is not None else []


def _nothing_found(found: SearchResult) -> Words:
    if found.query == EVERYTHING:
        return [
            (f"The index {found.index} holds no event yet.", ""),
            ("`clickstream consumer start` starts the workers that fill it, from the beginning of the topic.", DIM),
        ]
    return [(f"Nothing is found by {found.query}", ""), ("/ searches for something else, * for all.", DIM)]


def _switched_off(*, embedded: bool) -> Words:
    own = "OPENSEARCH_ENABLED=true and OPENSEARCH_HOST name a server of your own."
    ways = [("clickstream stack up --opensearch", ACCENT), ("starts one beside the other servers.", DIM), ("", "")]
    return [
        ("OpenSearch is off: it is optional, and the pipeline does without.", ""),
        ("", ""),
        *(ways if embedded else []),
        (own, DIM),
        ("Then `clickstream consumer start` fills the index, from the beginning of the topic.", DIM),
    ]


def _indexed(frame: Frame) -> object:
    """Differs as soon as more is indexed."""
    return tuple(row.position for row in frame.indexing.partitions) if frame.indexing else frame.at
