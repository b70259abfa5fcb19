"""Look up a visitor: its life on a line, its sessions, and the events of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import DataTable, Input

from clickstream.tui.background import BackgroundQuery
from clickstream.tui.drawing import timeline
from clickstream.tui.drawing.states import DIM, FAILED
from clickstream.tui.screens.dialog import Overlay
from clickstream.tui.widgets.footer import KeyLine
from clickstream.tui.widgets.line import StaticLine
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.funnel import Customer
    from clickstream.actions.sessions import Visitor
    from clickstream.tui.screens.dashboard import Dashboard

MOST_ROWS = 1_000
"""Sessions, and events of one session, that are shown."""

NARROW = 116


class VisitorScreen(Overlay[None]):
    """The look-up."""

    CSS = """
    VisitorScreen { align: left top; background: $background; }
    VisitorScreen #visitor-id { border-title-color: $text-muted; background: $background; }
    VisitorScreen #visitor-id:focus { border-title-color: $accent; }
    VisitorScreen #life { height: 5; }
    VisitorScreen #both { layout: horizontal; height: 1fr; }
    VisitorScreen #both.-stacked { layout: vertical; }
    VisitorScreen #visitor-sessions { width: 1fr; height: 1fr; }
    VisitorScreen #visitor-events { width: 1fr; height: 1fr; }
    VisitorScreen #both.-stacked RowTable { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "visitor", key_display="/", tooltip="look up another visitor"),
        Binding("escape", "leave", "back", tooltip="back to the funnel"),
    ]

    def __init__(self, customers: Sequence[Customer]) -> None:
        """`customers`: those who bought most, named before a visitor is asked for."""
        super().__init__()
        self._customers = customers
        self._asked: BackgroundQuery[Visitor] = BackgroundQuery(self, self._show_answer)

    def compose(self) -> ComposeResult:
        with Vertical():
            asked = Input(placeholder=self._hint(), type="integer", max_length=19, id="visitor-id")
            asked.border_title = "visitor"
            yield asked
            yield StaticLine(id="life", classes="box")
            with Container(id="both"):
                yield RowTable(
                    timeline.session_columns(self._half()), title="sessions", classes="box", id="visitor-sessions"
                )
                yield RowTable(timeline.event_columns(self._half()), title="events", classes="box", id="visitor-events")
            yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#life", StaticLine).border_title = "time line"
        self.query_one("#both").set_class(self.app.size.width < NARROW, "-stacked")
        self.query_one("#visitor-id").focus()

    def on_resize(self) -> None:
        self.query_one("#both").set_class(self.app.size.width < NARROW, "-stacked")
        self.query_one("#visitor-sessions", RowTable).set_columns(timeline.session_columns(self._half()))
        self.query_one("#visitor-events", RowTable).set_columns(timeline.event_columns(self._half()))
        self.call_after_refresh(self._show)

    @on(Input.Submitted, "#visitor-id")
    def _look_up(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.isdigit():
            return
        app, wanted = cast("Dashboard", self.app), int(event.value)
        self._say(f"looking for visitor {wanted}", DIM)
        settings = app.settings

        def question() -> Visitor:
            from clickstream.actions import sessions

            return sessions.show(settings, wanted)

        self._asked.abandon()
        self._asked.start(question, app.frame.at if app.frame is not None else 0.0)

    def _show_answer(self) -> None:
        self._show()
        if self._visitor is None:
            self._say(self._asked.error, FAILED)
        elif self._visitor.sessions:
            self.query_one("#visitor-sessions").focus()

    @property
    def _visitor(self) -> Visitor | None:
        """The one that was found, unless the look-up after it failed."""
        return self._asked.figure.value if self._asked.figure is not None and not self._asked.error else None

    @on(DataTable.RowHighlighted, "#visitor-sessions")
    def _show_session(self) -> None:
        visitor, events = self._visitor, self.query_one("#visitor-events", RowTable)
        key = self.query_one("#visitor-sessions", RowTable).selected
        session = next((one for one in visitor.sessions if one.session_id == key), None) if visitor else None
        if visitor is None or session is None:
            events.put({})
            events.set_note("")
            return
        own = timeline.events_of(visitor, session)
        shown = own[:MOST_ROWS]
        pairs = enumerate(zip([None, *shown], shown, strict=False))
        events.put({f"{session.session_id}:{n}": timeline.event_cells(one, before) for n, (before, one) in pairs})
        day = session.session_start.partition("T")[0]
        events.set_note(f"{day} · first {MOST_ROWS:,} of {len(own):,}" if len(own) > MOST_ROWS else day)
        self._draw_line()

    def action_ask(self) -> None:
        """Ask for another visitor."""
        asked = self.query_one("#visitor-id", Input)
        asked.value = ""
        asked.focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _show(self) -> None:
        sessions, visitor = self.query_one("#visitor-sessions", RowTable), self._visitor
        found = visitor.sessions[:MOST_ROWS] if visitor else []
        sessions.put({one.session_id: timeline.session_cells(one, self._half()) for one in found})
        more = visitor is not None and len(visitor.sessions) > MOST_ROWS
        sessions.set_note(f"first {MOST_ROWS:,} of {len(visitor.sessions):,}" if visitor and more else "")
        self.query_one("#life", StaticLine).border_subtitle = timeline.summary(visitor) if visitor else ""
        self._show_session()
        self._draw_line()

    def _draw_line(self) -> None:
        line = self.query_one("#life", StaticLine)
        width = line.content_size.width
        if self._visitor is not None and width > 0:
            chosen = self.query_one("#visitor-sessions", RowTable).selected
            line.put(timeline.life_line(self._visitor, chosen, width))

    def _say(self, words: str, style: str) -> None:
        self.query_one("#life", StaticLine).put(Content.styled(words, style))

    def _half(self) -> int:
        """Cells inside one of the tables."""
        width = self.app.size.width
        return (width if width < NARROW else width // 2) - 4

    def _hint(self) -> str:
        if not self._customers:
            return "a visitor's id, then Enter"
        best = ", ".join(str(customer.visitor_id) for customer in self._customers[:3])
        return f"a visitor's id, then Enter; most bought {best}"
