"""A screen whose rows `/` filters as one types: Enter keeps the filter, Esc clears it. Filters nothing itself."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.row_table import RowTable


class FilteredScreen(DashboardScreen):
    """Subclasses have a FilterBar in their body, and name what it filters."""

    FILTERED: ClassVar[str]
    """Selects the table."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", tooltip="show only rows with these words", id="filter"),
        Binding("escape", "clear_filter", "clear filter", tooltip="show all rows again", show=False, id="filter.clear"),
    ]

    def filter(self, words: str) -> None:
        """Show only what has these words; empty: all."""
        self.query_one(self.FILTERED, RowTable).filter(words)

    @on(FilterBar.Filtered)
    def _filtered(self, event: FilterBar.Filtered) -> None:
        self.filter(event.words)

    @on(FilterBar.Closed)
    def _focus_rows(self) -> None:
        self.query_one(self.FILTERED).focus()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def action_clear_filter(self) -> None:
        self.query_one(FilterBar).action_clear_filter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "clear_filter":
            return self.is_mounted and bool(self.query_one(FilterBar).value)
        if isinstance(self.focused, FilterBar):
            return False  # these keys are letters now
        return super().check_action(action, parameters)
