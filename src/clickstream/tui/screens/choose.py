"""A short list to choose one thing from, each with a sentence. Says what was chosen; does nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from clickstream.tui.drawing.states import DIM
from clickstream.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    id: str
    label: str
    sentence: str


WORDS_WIDTH = 64


class ChooseScreen(Dialog[str]):
    """Returns the id of what was chosen; None: nothing was."""

    CSS = """
    ChooseScreen > #dialog { padding: 1 1 0 1; width: 76; }
    ChooseScreen OptionList { height: auto; max-height: 60vh; }
    ChooseScreen #hint { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel")]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield OptionList(
                *(
                    Option(Content.assemble((choice.label, "bold"), (_indented(choice.sentence), DIM)), id=choice.id)
                    for choice in self._choices
                )
            )
            yield Static("enter choose · esc cancel", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self.answer(event.option.id)

    def action_leave(self) -> None:
        self.dismiss(None)


def _indented(sentence: str) -> str:
    return "".join(f"\n  {line}" for line in wrap(sentence, WORDS_WIDTH))
