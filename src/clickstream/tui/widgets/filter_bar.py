"""The line in which `/` filters: as one types; Enter keeps the filter, Esc clears it. Does no filtering itself."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterBar(Input):
    """Hidden until it is opened."""

    DEFAULT_CSS = """
    FilterBar { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    FilterBar:focus { border: none; }
    FilterBar.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep", tooltip="keep the filter, and go back to the rows"),
        Binding("escape", "clear_filter", "clear", tooltip="clear the filter"),
    ]

    class Filtered(Message):
        """The words have changed; empty: show everything."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Closed(Message):
        """The user is done: the focus goes back to what is filtered."""

    def __init__(
        self, placeholder: str = "filter: words that must stand in a row, !word for one that must not"
    ) -> None:
        super().__init__(placeholder=placeholder, id="filter")

    def open(self) -> None:
        """Show it, and have the keys."""
        self.add_class("-open")
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()

    def action_clear_filter(self) -> None:
        self.value = ""
        self._close()

    def _close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed())
