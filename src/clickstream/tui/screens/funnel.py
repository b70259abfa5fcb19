"""The funnel of three windows, by day, by hour and in order; and the most viewed items."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content

from clickstream.actions.observe.model import UP
from clickstream.actions.observe.poll import MOST_OF_THE_TIME
from clickstream.domain.cancellation import Cancellation
from clickstream.tui.background import BackgroundQuery
from clickstream.tui.drawing import funnel as drawing
from clickstream.tui.drawing.ages import age_of, since_of
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.drawing.text import bar, exact, percent
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.screens.visitor import VisitorScreen
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.panel import Draw, Panel
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics, Funnel
    from clickstream.actions.funnel import Breakdown, OrderedFunnel
    from clickstream.actions.observe.model import Frame
    from clickstream.services.postgres.analytics import TopItem

BREAKDOWN_EVERY, ORDERED_EVERY = 15.0, 60.0
"""Seconds between two passes over the tables, at least."""

DIM_AFTER = 60.0
"""Seconds after which figures go dim. With millions of rows the scans behind them are half a minute apart, as they may
take a twentieth of the time; their age is shown long before."""

WINDOWS = {"all_time": "all time", "last_month": "last 30 days", "last_day": "last day"}

ITEM, VIEWS, BAR = Column("item", right=True, width=8), Column("views", right=True, width=7), Column("", width=24)
REST = (
    Column("carts", right=True, width=6),
    Column("bought", right=True, width=7),
    Column("conv", right=True, width=7),
)

WIDE = 160
"""Cells of the terminal from which there is room for bars in the table of items."""


class FunnelScreen(DashboardScreen):
    """Sessions and what became of them."""

    CSS = """
    FunnelScreen #windows { height: 9; }
    FunnelScreen #charts { height: 1fr; }
    FunnelScreen #below { height: 1fr; min-height: 7; max-height: 15; }
    FunnelScreen #days { width: 1fr; }
    FunnelScreen #hours { width: 59; }
    FunnelScreen.-narrow #hours { width: 35; }
    FunnelScreen.-wide #hours { width: 83; }
    FunnelScreen #ordered { width: 5fr; }
    FunnelScreen #items { width: 4fr; height: 1fr; }
    FunnelScreen.-short #windows { height: 7; }
    FunnelScreen.-narrow #items { width: 50; }
    FunnelScreen.-narrow #ordered { width: 1fr; }
    """
    AUTO_FOCUS = "#items"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "visitor", "visitor", key_display="/", tooltip="look up a visitor (sessions show)", id="visitor"
        ),
        Binding(
            "o", "count", "count", tooltip="count the ordered funnel: one pass over all events", id="ordered.count"
        ),
        Binding("o", "cancel_count", "cancel", tooltip="stop counting the ordered funnel", id="ordered.cancel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._breakdown: BackgroundQuery[Breakdown] = BackgroundQuery(
            self, self._show_answer, every=BREAKDOWN_EVERY, share=MOST_OF_THE_TIME
        )
        self._ordered: BackgroundQuery[OrderedFunnel] = BackgroundQuery(
            self, self._show_answer, every=ORDERED_EVERY, share=MOST_OF_THE_TIME
        )

    def body(self) -> ComposeResult:
        with Horizontal(id="windows"):
            for name, title in WINDOWS.items():
                yield Panel(self._window(name), title=title, id=f"window-{name}")
        with Horizontal(id="charts"):
            yield Panel(self._days, title="sessions by day", id="days")
            yield Panel(self._hours, title="by hour (UTC)", id="hours")
        with Horizontal(id="below"):
            yield Panel(self._in_order, title="ordered funnel", id="ordered")
            yield RowTable(item_columns(self.app.size.width), title="most viewed items", classes="box", id="items")

    def show(self, frame: Frame) -> None:
        self._ask(frame)
        for panel in self.query(Panel):
            panel.show(frame)
        items = self.query_one("#items", RowTable)
        width = self.app.size.width
        items.set_columns(item_columns(width))
        found, top = frame.top_items, frame.top_items.value if frame.top_items else ()
        old = found is not None and found.age(frame.at) > DIM_AFTER
        items.put({str(item.item_id): _item(item, top[0].views, width, old=old) for item in top})
        items.set_note(age_of(found, frame.at))
        standing = drawing.count_state(self._ordered, frame.at) if self._may_ask(frame) else ""
        set_titles(self.query_one("#ordered"), subtitle=standing)
        set_titles(self.query_one("#window-all_time"), subtitle=since_of(frame.analytics, frame.at))
        set_titles(self.query_one("#hours"), subtitle=age_of(self._breakdown.figure, frame.at))

    def on_resize(self) -> None:
        self.show_again()

    def on_unmount(self) -> None:
        self._ordered.cancel()

    def action_visitor(self) -> None:
        """Look a visitor up."""
        figure = self._breakdown.figure
        self.app.push_screen(VisitorScreen(figure.value.customers if figure else ()))

    def action_count(self) -> None:
        """Count the ordered funnel now."""
        frame = self.dashboard.frame
        if frame is None:
            return
        if not self._may_ask(frame):
            self.notify("PostgreSQL does not answer: there is nothing to count", severity="warning")
            return
        self._count(frame)
        self.show_again()

    def action_cancel_count(self) -> None:
        self._ordered.cancel()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"count", "cancel_count"}:
            return (self._ordered.asking_since is None) == (action == "count")
        return super().check_action(action, parameters)

    def _ask(self, frame: Frame) -> None:
        """Ask for what is due; an answer stays true while nothing more is stored."""
        if not self._may_ask(frame):
            return
        if self._breakdown.due(frame.at, _stored(frame)):
            self._break_down(frame)
        if self._ordered.due(frame.at, _stored(frame)):
            self._count(frame)

    def _may_ask(self, frame: Frame) -> bool:
        return self.dashboard.settings.postgres is not None and frame.service("postgresql").state == UP

    def _break_down(self, frame: Frame) -> None:
        settings = self.dashboard.settings

        def question() -> Breakdown:
            from clickstream.actions import funnel

            return funnel.breakdown(settings)

        self._breakdown.start(question, frame.at, _stored(frame))

    def _count(self, frame: Frame) -> None:
        settings, cancellation = self.dashboard.settings, Cancellation()

        def question() -> OrderedFunnel:
            from clickstream.actions import funnel

            return funnel.ordered_funnel(settings, cancellation)

        self._ordered.start(question, frame.at, _stored(frame), cancellation=cancellation)
        self.refresh_bindings()

    def _show_answer(self) -> None:
        self.refresh_bindings()
        self.show_again()

    def _window(self, name: str) -> Draw:
        def draw(frame: Frame, width: int, height: int) -> Content:
            found = frame.analytics
            old = found is not None and found.age(frame.at) > DIM_AFTER
            return drawing.window_box(_of(found.value, name) if found else None, old, width, height)

        return draw

    def _days(self, frame: Frame, width: int, height: int) -> Content:
        drawn, words = drawing.days_box(self._breakdown, frame.at, width, height)
        set_titles(self.query_one("#days"), subtitle=words)
        return drawn

    def _hours(self, frame: Frame, width: int, height: int) -> Content:
        return drawing.hours_box(self._breakdown, frame.at, width, height)

    def _in_order(self, frame: Frame, width: int, height: int) -> Content:
        return drawing.ordered_box(self._ordered, frame.at, width, height)


def _stored(frame: Frame) -> object:
    """Differs as soon as more is stored."""
    return tuple(row.position for row in frame.partitions)


def _of(found: Analytics, name: str) -> Funnel:
    windows = {"all_time": found.all_time, "last_month": found.last_month, "last_day": found.last_day}
    return windows[name]


def item_columns(width: int) -> tuple[Column, ...]:
    return (ITEM, VIEWS, *([BAR] if width >= WIDE else []), *REST)


def _item(item: TopItem, most: int, width: int, *, old: bool) -> tuple[Cell, ...]:
    conversion = item.purchases / item.views if item.views else 0.0
    style = DIM if old else ""
    drawn = Cell(bar(item.views / most if most else 0.0, BAR.width or 0), item.views, style or ACCENT)
    return (
        Cell(str(item.item_id), item.item_id, style),
        Cell(exact(item.views), item.views, style),
        *([drawn] if width >= WIDE else []),
        Cell(exact(item.carts), item.carts, style),
        Cell(exact(item.purchases), item.purchases, style),
        Cell(percent(item.purchases, item.views), conversion, style or ("bold" if item.purchases else DIM)),
    )
