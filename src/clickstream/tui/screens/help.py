"""Every key that works now, read off the live bindings of the screen below. Keeps no list of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from clickstream.tui.states import ACCENT, DIM

LEGEND = "● ok   ▲ behind or starting   ✖ failed, needs a hand   ◌ off"


class HelpScreen(ModalScreen[None]):
    """The help."""

    DEFAULT_CSS = """
    HelpScreen > #dialog { width: 76; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "leave", "close"),
        Binding("down,j", "down", show=False),
        Binding("up,k", "up", show=False),
    ]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._lines = list(help_lines(about))

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog") as dialog:
            dialog.border_title = "keys that work now"
            dialog.border_subtitle = "esc close"
            yield Static(Content("\n").join(self._lines))

    def action_leave(self) -> None:
        self.dismiss()

    def action_down(self) -> None:
        self.query_one("#dialog").scroll_down()

    def action_up(self) -> None:
        self.query_one("#dialog").scroll_up()


def help_lines(about: Screen[object]) -> Iterator[Content]:
    """The focused widget's and the screen's own keys first, then the app's."""
    own: dict[str, tuple[str, str]] = {}
    general: dict[str, tuple[str, str]] = {}
    for active in about.active_bindings.values():
        binding = active.binding
        words = active.tooltip or binding.tooltip or binding.description
        if not active.enabled or binding.system or not words:
            continue
        group = general if active.node is about.app else own
        shown = about.app.get_key_display(binding)
        if binding.action in group:
            keys, words = group[binding.action]
            shown = keys if shown in keys.split(" ") else f"{keys} {shown}"
        group[binding.action] = (shown, words)
    for title, group in (("this screen", own), ("everywhere", general)):
        if group:
            yield Content.styled(title, "bold")
            for keys, words in group.values():
                yield Content.assemble((f"  {keys:<14}", f"bold {ACCENT}"), words)
            yield Content("")
    yield Content.styled(LEGEND, DIM)
