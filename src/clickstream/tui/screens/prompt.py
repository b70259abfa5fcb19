"""Asks for one line of text. Says what was typed; judges nothing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from clickstream.tui.screens.dialog import Dialog


class PromptScreen(Dialog[str]):
    """Gives the text; None: the user has left."""

    CSS = """
    PromptScreen Input { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel")]

    def __init__(self, title: str, question: str) -> None:
        super().__init__()
        self._title = title
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._question, markup=False)
            yield Input()
            yield Static("enter go on · esc cancel", id="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.answer(event.value.strip())

    def action_leave(self) -> None:
        self.dismiss(None)
