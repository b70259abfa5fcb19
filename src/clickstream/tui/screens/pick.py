"""A short list to pick several things from. Says what was picked; does nothing itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from clickstream.tui.screens.dialog import Overlay


class PickScreen(Overlay[list[str]]):
    """Returns what was picked, which may be all or nothing; None: the user has left."""

    CSS = """
    PickScreen > #dialog { padding: 1 1 0 1; }
    PickScreen SelectionList { height: auto; max-height: 14; }
    PickScreen #hint { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel"),
        Binding("enter", "take", "take these", priority=True),
        Binding("a", "all", "all or none"),
    ]

    def __init__(self, title: str, names: Sequence[str], picked: Collection[str]) -> None:
        super().__init__()
        self._title = title
        self._names = names
        self._picked = picked

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield SelectionList[str](
                *(Selection(Content(name), name, name in self._picked) for name in self._names), id="names"
            )
            yield Static("space pick · a all or none · enter take these · esc cancel", id="hint")

    def action_take(self) -> None:
        picked = set(self._list.selected)
        self.dismiss([name for name in self._names if name in picked])

    def action_all(self) -> None:
        if len(self._list.selected) == len(self._names):
            self._list.deselect_all()
        else:
            self._list.select_all()

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def _list(self) -> SelectionList[str]:
        return self.query_one("#names", SelectionList)
