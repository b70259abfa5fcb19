"""A table whose rows have keys: only changed cells are redrawn, and any column sorts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from rich.console import JustifyMethod
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey

from clickstream.domain.escapes import escape_controls
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.widgets.line import set_titles

Rows = Mapping[str, Sequence[Cell]]


class RowTable(DataTable[Text]):
    """The table. `put` brings it up to date; sort and filter are kept from row to row."""

    DEFAULT_CSS = """
    RowTable { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign", "sort_by(-1)", "sort by the column before", key_display="<", show=False),
        Binding("greater_than_sign", "sort_by(1)", "sort by the next column", key_display=">", show=False),
        Binding("R", "reverse", "reverse the order", show=False),
        Binding("home,g", "scroll_top", "the first row", show=False),
        Binding("end,G", "scroll_bottom", "the last row", show=False),
    ]

    def __init__(self, columns: Sequence[Column], *, title: str, classes: str = "", id: str | None = None) -> None:
        super().__init__(
            classes=classes, id=id, cursor_type="row", cell_padding=1, cursor_foreground_priority="renderable"
        )
        self._columns_shown = tuple(columns)
        self._title = title
        self._words = ""
        self._rows: dict[str, Sequence[Cell]] = {}
        self._shown: dict[str, list[tuple[str, str]]] = {}
        """Text and style of the cells of each row that is there."""
        self._filter = ""
        self._sort: int | None = None
        self._reverse = False

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.row_count:
            return None
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)

    def on_mount(self) -> None:
        self._head()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.put(self._rows))

    def set_note(self, words: str) -> None:
        """A note on the rows, or on why there are none, in the border."""
        self._words = words
        self._set_titles()

    def set_title(self, title: str) -> None:
        """Another title."""
        if title != self._title:
            self._title = title
            self._set_titles()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns, for another width; `put` follows."""
        if tuple(columns) == self._columns_shown:
            return
        self._columns_shown = tuple(columns)
        self._sort = None
        self.clear(columns=True)
        self._shown.clear()
        self._head()

    def filter(self, words: str) -> None:
        """Show only rows in which each of the words stands; `!word`: in which it does not."""
        self._filter = words
        self.put(self._rows)

    def put(self, rows: Rows) -> None:
        """Bring the table to these rows."""
        self._rows = dict(rows)
        wanted = {key: cells for key, cells in rows.items() if _matches(cells, self._filter)}
        for key in [key for key in self._shown if key not in wanted]:
            self.remove_row(key)
            del self._shown[key]
        variables = self.app.theme_variables
        for key, cells in wanted.items():
            self._put_row(key, [(cell.text, _resolved(cell.style, variables)) for cell in cells])
        self._order()
        self._set_titles()

    def action_sort_by(self, step: int) -> None:
        """The column after (1) or before (-1) the one that sorts now."""
        here = self._sort if self._sort is not None else (-1 if step > 0 else 0)
        self.sort_column((here + step) % len(self._columns_shown))

    def action_reverse(self) -> None:
        self._reverse = not self._reverse
        self.put(self._rows)
        self._mark()

    def sort_column(self, index: int) -> None:
        """Sort by this column; the one that sorts already changes its direction. Numbers begin with the greatest."""
        if index == self._sort:
            self._reverse = not self._reverse
        else:
            self._sort, self._reverse = index, self._columns_shown[index].right
        self.put(self._rows)
        self._mark()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        event.stop()
        self.sort_column(event.column_index)

    def _head(self) -> None:
        for index, column in enumerate(self._columns_shown):
            self.add_column(self._label(index), key=str(index), width=column.width)

    def _mark(self) -> None:
        for index in range(len(self._columns_shown)):
            self.columns[ColumnKey(str(index))].label = self._label(index)
        self._arrange(list(self._ranked()))  # draws the labels again, too

    def _label(self, index: int) -> Text:
        column = self._columns_shown[index]
        sign = ("↓" if self._reverse else "↑") if index == self._sort else " "
        return Text(column.title + sign, justify="right" if column.right else "left", no_wrap=True)

    def _put_row(self, key: str, cells: list[tuple[str, str]]) -> None:
        before = self._shown.get(key)
        self._shown[key] = cells
        if before is None:
            pairs = zip(cells, self._columns_shown, strict=True)
            self.add_row(*(draw_cell(text, style, column) for (text, style), column in pairs), key=key)
            return
        for index, (old, new) in enumerate(zip(before, cells, strict=True)):
            if old != new:
                column = self._columns_shown[index]
                fits = column.width is not None or len(old[0]) == len(new[0])
                self.update_cell(key, str(index), draw_cell(*new, column), update_width=not fits)

    def _ranked(self) -> Iterator[str]:
        """The shown rows in order: ties, and rows that nothing sorts, in the order they came in."""
        keys = [key for key in self._rows if key in self._shown]
        if self._sort is None:
            return iter(keys)
        place, sort = {key: -i if self._reverse else i for i, key in enumerate(keys)}, self._sort
        return iter(sorted(keys, key=lambda key: (self._rows[key][sort].value, place[key]), reverse=self._reverse))

    def _order(self) -> None:
        ordered = list(self._ranked())
        if [str(row.key.value) for row in self.ordered_rows] != ordered:
            self._arrange(ordered)

    def _arrange(self, ordered: list[str]) -> None:
        chosen = self.selected
        places = {id(self.get_cell(key, "0")): place for place, key in enumerate(ordered)}
        self.sort("0", key=lambda text: places[id(text)])
        if chosen in ordered:
            self.move_cursor(row=ordered.index(chosen), animate=False)

    def _set_titles(self) -> None:
        title = self._title
        if self._filter:
            title += f"  /{self._filter}  {len(self._shown)} of {len(self._rows)}"
        set_titles(self, title, self._words)


def draw_cell(text: str, style: str, column: Column) -> Text:
    justify: JustifyMethod = "right" if column.right else "left"
    return Text(escape_controls(text), style=style, justify=justify, no_wrap=True, overflow="ellipsis")


def _matches(cells: Sequence[Cell], words: str) -> bool:
    # The value too, where it is a text: what a cell cuts off is found all the same.
    text = " ".join(f"{cell.text} {cell.value}" if isinstance(cell.value, str) else cell.text for cell in cells).lower()
    return all(
        (word[1:] not in text if len(word) > 1 else True) if word.startswith("!") else word in text
        for word in words.lower().split()
    )


def _resolved(style: str, variables: Mapping[str, str]) -> str:
    """Rich knows no CSS variables."""
    return " ".join(variables.get(word[1:], "") if word.startswith("$") else word for word in style.split())
