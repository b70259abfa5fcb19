"""Edits the payload of one reject, and says all the time whether it would be an event. Sends nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from clickstream.tui.drawing.states import FAILED, OKAY
from clickstream.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from clickstream.actions.rejects.listing import Reject


class EditScreen(Dialog[bytes]):
    """Returns the edited payload; None: the user has left."""

    CSS = """
    EditScreen > #dialog { width: 110; }
    EditScreen TextArea { height: 10; }
    EditScreen #verdict { height: auto; max-height: 4; margin-top: 1; }
    EditScreen #buttons { height: auto; align-horizontal: right; margin-top: 1; }
    EditScreen Button { margin-left: 2; }
    EditScreen.-short #dialog { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", priority=True),
        Binding("ctrl+s", "send", "send", priority=True),
    ]

    def __init__(self, reject: Reject) -> None:
        super().__init__()
        self._reject = reject

    def compose(self) -> ComposeResult:
        from clickstream.domain.escapes import escape_bytes

        lines = self._reject.source == "messages"
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(f"edit {self._reject.id}")
            dialog.border_subtitle = "ctrl+s send · esc cancel"
            yield TextArea(escape_bytes(self._reject.payload or b"", lines=lines), soft_wrap=True, tab_behavior="focus")
            yield Static(id="verdict", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="no")
                yield Button("Send", id="yes", variant="primary")

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self._judge()

    def on_text_area_changed(self) -> None:
        self._judge()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_send()
        else:
            self.action_leave()

    def action_send(self) -> None:
        if self._judge():
            self.answer(self._payload)

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def _payload(self) -> bytes:
        return self.query_one(TextArea).text.encode(errors="replace")

    def _judge(self) -> bool:
        from clickstream.actions.rejects.replay import InvalidEvent, as_message

        try:
            key, _ = as_message(self._reject.source, self._payload)
        except InvalidEvent as error:
            words = Content.styled(f"✖ not an event yet: {error}", FAILED)
            good = False
        else:
            words = Content.styled(f"● an event of visitor {key}", OKAY)
            good = True
        self.query_one("#verdict", Static).update(words)
        self.query_one("#yes", Button).disabled = not good
        return good
