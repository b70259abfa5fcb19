"""A question before something that changes much. Cancel is chosen first; what cannot be undone has its name typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from clickstream.tui.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks; True: go on."""

    CSS = """
    ConfirmScreen #buttons { height: auto; align-horizontal: right; margin-top: 1; }
    ConfirmScreen Button { margin-left: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "cancel"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, question: str, *, typed: str = "", yes: str = "", no: str = "Cancel") -> None:
        """Args:
        title: what is asked about.
        question: in whole sentences.
        typed: a word that must be typed before Yes works; empty: none.
        yes: the button's word; empty: the title's.
        no: the other button's.
        """
        super().__init__()
        self._title = title
        self._question = question
        self._typed = typed
        self._yes = yes or title
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._question, markup=False)
            if self._typed:
                yield Static(f"Type {self._typed} to go on.", id="hint")
                yield Input(id="typed")
            with Horizontal(id="buttons"):
                yield Button(self._no, id="no")
                yield Button(self._yes, id="yes", variant="error", disabled=bool(self._typed))

    def on_mount(self) -> None:
        self.query_one("#typed" if self._typed else "#no").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value.strip() != self._typed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.answer(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.answer(True)
        else:
            self.dismiss(False)

    def action_no(self) -> None:
        self.dismiss(False)
