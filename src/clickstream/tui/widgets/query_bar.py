"""The line in which `/` asks for a query: Enter searches, Esc restores the last query. Does not search itself."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

HINT = "* for all; event:transaction AND visitor_id:0; item_id:461686"


class QueryBar(Input):
    """Shows the query that is in force; has the keys only once it is asked for."""

    DEFAULT_CSS = """
    QueryBar, QueryBar:focus { background: $background; background-tint: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "search", tooltip="search for what was typed; nothing: for all"),
        Binding("escape", "take_back", "back", tooltip="leave the query as it was"),
    ]

    class Asked(Message):
        """This is to be searched for."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Left(Message):
        """The user is done: the focus goes elsewhere."""

    def __init__(self, query: str, *, id: str) -> None:
        super().__init__(query, placeholder=HINT, id=id, select_on_focus=True)
        self._before = query
        self.border_title = "query"

    def on_focus(self) -> None:
        self._before = self.value

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._before = self.value
        self.post_message(self.Asked(self.value))
        self.post_message(self.Left())

    def action_take_back(self) -> None:
        self.value = self._before
        self.post_message(self.Left())
