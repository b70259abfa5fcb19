"""Dead letters: messages and lines that were no events. What they are, why, and sending them again, mended or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import DataTable

from clickstream.domain.errors import ClickstreamError
from clickstream.tui.drawing.text import exact, seconds
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.screens.mend import MendScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.payload_view import PayloadView
from clickstream.tui.widgets.reject_table import RejectTable

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.actions.rejects.listing import Listing, Reject
    from clickstream.config.settings import Settings
    from clickstream.tui.jobs import Job

EVERY = 5.0
"""Seconds between two askings while the screen is looked at."""

GIVEN_UP_AFTER = 30.0
"""Seconds after which an answer that is outstanding is not waited for any more."""

MOST = 1000
"""Rows that are shown; `rejects list --limit` has no such bound."""

LOADED = 16 * 1024
"""Bytes of the selected payload that are shown."""

SELECTED = {"replay_selected", "mend_selected", "discard_selected", "open", "toggle_hex"}
"""Actions that need a selected reject."""

CHANGING = {"replay_selected", "mend_selected", "discard_selected"}

Post = Callable[[Message], object]

NONE = "No rejects: every message and every line so far was an event."


class RejectsScreen(FilteredScreen):
    """What was put aside."""

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
        Binding("m", "mend_selected", "mend", tooltip="edit the payload, then send it (rejects replay --with)"),
        Binding("x", "discard_selected", "discard", tooltip="remove the selected reject for good (rejects discard)"),
        Binding("o", "open", "open", tooltip="the payload on the whole screen, and back", id="rejects.open"),
        Binding("h", "toggle_hex", "hex", tooltip="the payload as a hex dump, and back", id="rejects.hex"),
        Binding("escape", "close", "back", show=False, tooltip="back to the list"),
        Binding("escape", "clear_filter", "clear filter", show=False, tooltip="show all rows again"),
    ]  # fmt: skip

    class Heard(Message):
        """The list, or why there is none."""

        def __init__(self, asking: int, listing: Listing | None, error: str) -> None:
            super().__init__()
            self.asking = asking
            self.listing = listing
            self.error = error

    class Opened(Message):
        """More of one payload; None: it is gone, or cannot be read now."""

        def __init__(self, id_: str, reject: Reject | None) -> None:
            super().__init__()
            self.id_ = id_
            self.reject = reject

    def __init__(self) -> None:
        super().__init__()
        self._listing: Listing | None = None
        self._error = ""
        self._heard_at = 0.0
        self._asking = 0
        self._asked_at: float | None = None
        self._outstanding = False
        self._whole: Reject | None = None
        """The reject whose payload was read last."""
        self._opening = ""
        self._job_ran = False

    def body(self) -> ComposeResult:
        with Container(id="panes"):
            with Container(id="list"):
                yield RejectTable(classes="box", id="rejects")
                yield FilterBar()
            yield PayloadView(classes="box", id="payload")

    def show(self, frame: Frame) -> None:
        since = frame.at - self._asked_at if self._asked_at is not None else None
        if since is None or since >= (GIVEN_UP_AFTER if self._outstanding else EVERY) or since < 0:
            self._ask(frame.at)
        self._head_up()

    def show_job(self, job: Job | None) -> None:
        super().show_job(job)
        if self._job_ran and job is None and self.dashboard.frame is not None:
            self._ask(self.dashboard.frame.at)
        self._job_ran = job is not None

    def on_rejects_screen_heard(self, message: Heard) -> None:
        if message.asking != self._asking:
            return
        self._outstanding = False
        self._error = message.error
        if message.listing is not None:
            self._heard_at = self._asked_at or 0.0
            if message.listing != self._listing:
                self._listing = message.listing
                self.query_one(RejectTable).put_rejects(message.listing.rejects)
        self._show_selected()
        self._head_up()

    def on_rejects_screen_opened(self, message: Opened) -> None:
        self._opening = ""
        if message.reject is not None:
            self._whole = message.reject
        self._show_selected(again=message.reject is not None)

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
        if self._whole is not None and self._whole.id == key:
            return self._whole
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

    def action_mend_selected(self) -> None:
        one = self.selected
        if one is None:
            return
        if len(one.payload or b"") < one.size:
            way = f"rejects show {one.id} --raw > FILE, then rejects replay {one.id} --with FILE"
            self.notify(f"{exact(one.size)} bytes are too many to edit here: {way}", severity="warning", markup=False)
            return

        def mended(payload: bytes | None) -> None:
            if payload is not None:
                self.dashboard.run_command("rejects replay", {"ids": [one.id], "mended": payload})

        self.dashboard.ask(MendScreen(one), mended)

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
        if one is not None and more and again and not self._opening:
            self._opening = one.id
            arguments = (self.post_message, self.dashboard.source.settings, one.id)
            threading.Thread(target=_read_one, args=arguments, name="reject", daemon=True).start()
        self.refresh_bindings()

    def _head_up(self) -> None:
        frame = self.dashboard.frame
        age = frame.at - self._heard_at if frame is not None else 0.0
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
        if self._error:
            words.append(self._error[:60])
        self.query_one(RejectTable).tell(" · ".join(words))

    def _ask(self, now: float) -> None:
        self._asking += 1
        self._asked_at, self._outstanding = now, True
        arguments = (self.post_message, self.dashboard.source.settings, self._asking)
        threading.Thread(target=_read, args=arguments, name="rejects", daemon=True).start()


def _read(post: Post, settings: Settings, asking: int) -> None:
    from clickstream.actions.rejects import listing as rejects
    from clickstream.actions.rejects import replay as rejects_replay  # noqa: F401 (what `mend` needs is loaded here too)

    try:
        post(RejectsScreen.Heard(asking, rejects.listing(settings, limit=MOST), ""))
    except (ClickstreamError, OSError) as error:
        post(RejectsScreen.Heard(asking, None, str(error)))


def _read_one(post: Post, settings: Settings, id_: str) -> None:
    from clickstream.actions.rejects import listing as rejects

    try:
        post(RejectsScreen.Opened(id_, rejects.find(settings, id_, first=LOADED)))
    except (ClickstreamError, OSError):
        post(RejectsScreen.Opened(id_, None))
