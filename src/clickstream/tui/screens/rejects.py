"""Rejects: messages and lines that are not events. Shows them with the reason, and sends them again, edited or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import DataTable

from clickstream.tui.background import BackgroundQuery
from clickstream.tui.drawing.text import exact, seconds
from clickstream.tui.screens.edit import EditScreen
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.payload_view import PayloadView
from clickstream.tui.widgets.reject_table import RejectTable

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.actions.rejects.listing import Listing, Reject
    from clickstream.tui.jobs import Job

EVERY = 5.0
"""Seconds between two readings of the list while the screen is shown."""

GIVEN_UP_AFTER = 30.0
"""Seconds after which an answer that is outstanding is not waited for any more."""

MOST = 1000
"""Rows that are shown; `rejects list --limit` has no such bound."""

LOADED = 16 * 1024
"""Bytes of the selected payload that are shown."""

SELECTED = {"replay_selected", "edit_selected", "discard_selected", "open", "toggle_hex"}
"""Actions that need a selected reject."""

CHANGING = {"replay_selected", "edit_selected", "discard_selected"}

NONE = "No rejects: every message and every line so far was an event."


class RejectsScreen(FilteredScreen):
    """The rejects."""

    CSS = """
    RejectsScreen #panes { layout: vertical; height: 1fr; }
    RejectsScreen #list { height: 1fr; }
    RejectsScreen RejectTable { height: 1fr; min-height: 5; }
    RejectsScreen PayloadView { height: 1fr; min-height: 5; }
    RejectsScreen.-wide #panes { layout: horizontal; }
    RejectsScreen.-wide PayloadView { width: 86; }
    RejectsScreen.-opened #list { display: none; }
    RejectsScreen.-opened PayloadView { width: 1fr; }
    """
    AUTO_FOCUS = FILTERED = "#rejects"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "r", "replay_selected", "replay", id="rejects.replay",
            tooltip="send the selected reject again, if it is an event now (rejects replay)",
        ),
        Binding("m", "edit_selected", "edit", tooltip="edit the payload, then send it (rejects replay --with)"),
        Binding("x", "discard_selected", "discard", tooltip="remove the selected reject for good (rejects discard)"),
        Binding("o", "open", "open", tooltip="the payload on the whole screen, and back", id="rejects.open"),
        Binding("h", "toggle_hex", "hex", tooltip="the payload as a hex dump, and back", id="rejects.hex"),
        Binding("escape", "close", "back", show=False, tooltip="back to the list"),
        Binding("escape", "clear_filter", "clear filter", show=False, tooltip="show all rows again"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._list: BackgroundQuery[Listing] = BackgroundQuery(
            self, self._show_list, every=EVERY, patience=GIVEN_UP_AFTER
        )
        self._listing: Listing | None = None
        """The list as the table has it."""
        self._payload: BackgroundQuery[Reject] = BackgroundQuery(self, self._show_payload)
        """The reject whose payload was read last."""
        self._job_ran = False

    def body(self) -> ComposeResult:
        with Container(id="panes"):
            with Container(id="list"):
                yield RejectTable(classes="box", id="rejects")
                yield FilterBar()
            yield PayloadView(classes="box", id="payload")

    def show(self, frame: Frame) -> None:
        if self._list.due(frame.at, frame.at):
            self._ask(frame.at)
        self._set_titles()

    def show_job(self, job: Job | None) -> None:
        super().show_job(job)
        if self._job_ran and job is None and self.dashboard.frame is not None:
            self._list.abandon()
            self._ask(self.dashboard.frame.at)
        self._job_ran = job is not None

    def _show_list(self) -> None:
        found = self._list.figure
        if found is not None and found.value != self._listing:
            self._listing = found.value
            self.query_one(RejectTable).put_rejects(found.value.rejects)
        self._show_selected()
        self._set_titles()

    def _show_payload(self) -> None:
        """It is gone, or cannot be read now, where there is an error: not asked for again at once."""
        self._show_selected(again=not self._payload.error)

    @on(DataTable.RowHighlighted)
    def _highlighted(self) -> None:
        self._show_selected()

    @on(DataTable.RowSelected)
    def _chosen(self) -> None:
        self.action_open()

    def filter(self, words: str) -> None:
        super().filter(words)
        self._show_selected()

    @property
    def selected(self) -> Reject | None:
        """The reject under the cursor: with more of its payload than the list has, where that was read."""
        key = self.query_one(RejectTable).selected
        if self._listing is None or key is None:
            return None
        whole = self._payload.figure
        if whole is not None and whole.value.id == key:
            return whole.value
        return next((one for one in self._listing.rejects if one.id == key), None)

    def action_filter(self) -> None:
        self.remove_class("-opened")
        super().action_filter()

    def action_open(self) -> None:
        if self.has_class("-opened"):
            self.action_close()
        elif self.selected is not None:
            self.add_class("-opened")
            self.query_one(PayloadView).focus()

    def action_close(self) -> None:
        self.remove_class("-opened")
        self.query_one(RejectTable).focus()

    def action_toggle_hex(self) -> None:
        self.query_one(PayloadView).toggle_hex()

    def action_replay_selected(self) -> None:
        if (one := self.selected) is not None:
            self.dashboard.run_command("rejects replay", {"ids": [one.id]})

    def action_discard_selected(self) -> None:
        if (one := self.selected) is not None:
            warning = f"{one.id} is removed for good: {one.reason[:200]}"
            self.dashboard.run_command("rejects discard", {"ids": [one.id]}, warning=warning)

    def action_edit_selected(self) -> None:
        one = self.selected
        if one is None:
            return
        if len(one.payload or b"") < one.size:
            way = f"rejects show {one.id} --raw > FILE, then rejects replay {one.id} --with FILE"
            self.notify(f"{exact(one.size)} bytes are too many to edit here: {way}", severity="warning", markup=False)
            return

        def corrected(payload: bytes | None) -> None:
            if payload is not None:
                self.dashboard.run_command("rejects replay", {"ids": [one.id], "corrected": payload})

        self.dashboard.show_dialog(EditScreen(one), corrected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in CHANGING and self.dashboard.read_only:
            return False
        if action == "close":
            return self.has_class("-opened")
        if action in SELECTED and self.is_mounted:
            return self.selected is not None
        return super().check_action(action, parameters)

    def _show_selected(self, *, again: bool = True) -> None:
        one, view = self.selected, self.query_one(PayloadView)
        more = one is not None and len(one.payload or b"") < min(one.size, LOADED)
        if one is None:
            view.show(None, empty=NONE if self._listing is not None and not self._listing.total else "")
            self.remove_class("-opened")
        else:
            view.show(one, loading=more)
        if one is not None and more and again:
            self._read(one.id)
        self.refresh_bindings()

    def _read(self, id_: str) -> None:
        settings, frame = self.dashboard.settings, self.dashboard.frame

        def question() -> Reject:
            from clickstream.actions.rejects import listing as rejects

            return rejects.find(settings, id_, first=LOADED)

        self._payload.start(question, frame.at if frame is not None else 0.0)

    def _set_titles(self) -> None:
        frame = self.dashboard.frame
        age = self._list.figure.age(frame.at) if frame is not None and self._list.figure is not None else 0.0
        found, words = self._listing, []
        if found is not None:
            shown = len(found.rejects)
            all_ = f"all {exact(found.total)}" if found.total else "none"
            words.append(all_ if shown == found.total else f"newest {exact(shown)} of {exact(found.total)}")
            if found.lines and not found.problem:
                words.append(f"{exact(found.total - found.lines)} messages, {exact(found.lines)} lines")
            if found.problem:
                words.append("lines only: PostgreSQL cannot be asked")
            if age > 2 * EVERY:
                words.append(f"{seconds(age)} old")
        if self._list.error:
            words.append(self._list.error[:60])
        self.query_one(RejectTable).set_note(" · ".join(words))

    def _ask(self, now: float) -> None:
        settings = self.dashboard.settings

        def question() -> Listing:
            from clickstream.actions.rejects import listing as rejects
            from clickstream.actions.rejects import replay as _  # noqa: F401 (what an edit needs is loaded here too)

            return rejects.listing(settings, limit=MOST)

        self._list.start(question, now, now)
