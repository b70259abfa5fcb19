"""Every key that works now, read off the live bindings of the screen below. Keeps no list of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.screens.dialog import Overlay

WORDS_WIDTH = 52

UNTOLD = {
    *("up", "down", "left", "right", "pageup", "pagedown", "ctrl+pageup", "ctrl+pagedown"),
    *("home", "end", "ctrl+home", "ctrl+end", "enter", "tab", "shift+tab", "ctrl+c", "super+c"),
}
"""Keys that do in every program alike."""

LEGEND = "● ok  ▲ behind or starting  ✖ failed, needs a hand  ◌ off"


class HelpScreen(Overlay[None]):
    """The help."""

    CSS = """
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
    own: dict[str, tuple[list[str], str]] = {}
    general: dict[str, tuple[list[str], str]] = {}
    modes: list[tuple[str, str]] = []
    for active in about.active_bindings.values():
        binding = active.binding
        words = active.tooltip or binding.tooltip or binding.description
        if not active.enabled or binding.system or not words or binding.key in UNTOLD:
            continue
        if (binding.id or "").startswith("mode."):
            modes.append((binding.key, binding.description))
            continue
        group = general if active.node is about.app else own
        keys, _ = group.setdefault(binding.action, ([], words))
        keys.append(about.app.get_key_display(binding))
    for title, group in (("this screen", own), ("everywhere", general)):
        if group:
            yield Content.styled(title, "bold")
            if title == "everywhere" and modes:
                yield from _lines(
                    f"{modes[0][0]} to {modes[-1][0]}", "the screens: " + ", ".join(name for _, name in modes)
                )
            for keys, words in group.values():
                yield from _lines(" ".join(sorted(dict.fromkeys(keys), key=len)), words)
            yield Content("")
    yield Content.styled(LEGEND, DIM)


def _lines(keys: str, words: str) -> Iterator[Content]:
    first, *others = textwrap.wrap(words, WORDS_WIDTH)
    yield Content.assemble((f"  {keys:<10}", f"bold {ACCENT}"), first)
    for other in others:
        yield Content(" " * 12 + other)
