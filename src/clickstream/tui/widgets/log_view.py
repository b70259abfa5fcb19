"""Log lines of many processes: follows, searches, filters by level, wraps. Draws only what is seen; reads no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from clickstream.tui.drawing.log_rows import ROOM_FOR_NAMES, LogRows
from clickstream.tui.drawing.states import ACCENT
from clickstream.tui.drawing.text import clip, exact
from clickstream.tui.widgets.line import set_titles

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine

LEVEL_STYLES = ("log-view--debug", "", "log-view--warning", "log-view--error")

LEVEL_WORDS = ("", "", "warnings and worse", "errors only")


class LogView(ScrollView, can_focus=True):
    """The view."""

    DEFAULT_CSS = """
    LogView { overflow-y: scroll; overflow-x: auto; background: $background; }
    LogView.-wrap { overflow-x: hidden; }
    LogView .log-view--debug, LogView .log-view--note, LogView .log-view--name { text-style: dim; }
    LogView .log-view--warning { color: $warning; }
    LogView .log-view--error { color: $error; text-style: bold; }
    LogView .log-view--match { background: $warning-muted; color: $foreground; }
    LogView .log-view--here { background: $warning; color: $background; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(name for name in LEVEL_STYLES if name), "log-view--note", "log-view--name", "log-view--match",
        "log-view--here",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("space", "page_down", "a page on", show=False),
        Binding("b", "page_up", "a page back", show=False),
    ]

    TO_THE_END: ClassVar[str] = "G"
    """The key that follows again."""

    class StateChanged(Message):
        """It began or ceased to follow."""

    def __init__(self, *, when_empty: str = "", classes: str = "", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)
        self._when_empty = when_empty
        self._rows = LogRows()
        self._unseen = 0
        self._steady = 0
        self.following = True
        self.border_title = "log"

    @property
    def rows(self) -> LogRows:
        """The rows that are drawn."""
        return self._rows

    def add(self, lines: Sequence[LogLine]) -> None:
        """Append new lines, in this order."""
        gone, new = self._rows.add(lines)
        if not self.following:
            self._unseen += new
        self._fit(moved=-gone)

    def clear(self) -> None:
        """Forget all lines; search, level and wrap stay."""
        self._rows.clear()
        self._unseen = 0
        self.following = True
        self._fit()

    def toggle_wrap(self) -> None:
        self._rows.wrap = not self._rows.wrap
        self.set_class(self._rows.wrap, "-wrap")
        self._lay_out()

    def next_level(self) -> None:
        """All, warnings and worse, errors only, and round again."""
        self._rows.least = {0: 2, 2: 3}.get(self._rows.least, 0)
        self._lay_out()

    def search(self, words: str) -> None:
        """Go to the last line with these words from where the view ends; empty: search nothing."""
        self._rows.search(words)
        if words and self._rows.matches:
            self._go_to(self._rows.match_before(round(self.scroll_y) + self._height))
        self._set_titles()
        self.refresh()

    def next_match(self, step: int) -> None:
        """The next line that is found, down (1) or up (-1), and round again."""
        if self._rows.matches:
            self._go_to(self._rows.next_match(step))

    def follow(self, on: bool = True) -> None:
        """Stay at the end, or not."""
        if self.following != on:
            self.following = on
            self.post_message(self.StateChanged())
        if on:
            self._unseen = 0
            if round(self.scroll_y) != self.max_scroll_y:  # an animation that ends there must not be stopped
                self._move(self.max_scroll_y)
        self._set_titles()

    def to_top(self) -> bool:
        """Go to the first line; False where the view is there already."""
        there = round(self.scroll_y) == 0
        self.follow(False)
        self._move(0)
        return not there

    def on_resize(self) -> None:
        self._lay_out()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._steady:
            return
        if round(new_value) >= self.max_scroll_y:  # it may be the view that has grown
            self.follow()
        elif new_value < old_value:
            self.follow(False)

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        base = self.rich_style
        if top + y >= len(self._rows):
            note = self._when_empty if y == 0 and not len(self._rows) else ""
            style = self.get_component_rich_style("log-view--note", partial=True)
            return Strip([Segment(clip(note, width), base + style)]).extend_cell_length(width, base)
        strip = Strip([Segment(text, base + style) for text, style in self._pieces(top + y)])
        if strip.cell_length <= left + width:
            return strip.crop_extend(left, left + width, base)
        sign = Segment("…", base + self.get_component_rich_style("log-view--name", partial=True))
        return Strip([*strip.crop_extend(left, left + width - 1, base), sign])

    def _pieces(self, row: int) -> Iterator[tuple[str, Style]]:
        index, start, end = self._rows[row]
        line = self._rows.line(index)
        name = self.get_component_rich_style("log-view--name", partial=True)
        if self._rows.with_names:
            shown = clip(line.process, ROOM_FOR_NAMES) if start == 0 else ""
            yield f"{shown:<{self._rows.name_width}} ", name
        own = LEVEL_STYLES[line.level] or ("log-view--note" if line.note else "")
        style = self.get_component_rich_style(own, partial=True) if own else Style()
        here = self._rows.here == index
        match = self.get_component_rich_style("log-view--here" if here else "log-view--match", partial=True)
        at = start
        for begins, ends in self._rows.found_in(index):
            first, last = max(begins, at), min(ends, end)
            if first < last:
                yield line.text[at:first], style
                yield line.text[first:last], style + match
                at = last
        yield line.text[at:end], style

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    def _lay_out(self) -> None:
        """Compute the rows again for another width, level or wrapping; the top line stays where it was."""
        top = self._rows.index_at(round(self.scroll_y))
        self._rows.lay_out(self.scrollable_content_region.width)
        self._fit(top=None if top is None else self._rows.row_of(top))

    def _fit(self, *, moved: int = 0, top: int | None = None) -> None:
        """Fit the scroll bars to the rows; stay at the end when following, else where it was."""
        self._steady += 1
        wanted = round(self.scroll_y) + moved if top is None else top
        self.virtual_size = Size(self._rows.width, len(self._rows))
        self._steady -= 1
        self._move(self.max_scroll_y if self.following else wanted)
        self._set_titles()
        self.refresh()

    def _move(self, row: int) -> None:
        self._steady += 1
        self.scroll_to(y=max(0, row), animate=False, immediate=True)
        self._steady -= 1

    def _go_to(self, index: int | None) -> None:
        if index is None:
            return
        self._rows.here = index
        self.follow(False)
        row = self._rows.row_of(index)
        if not self.scroll_y <= row < self.scroll_y + self._height:
            self._move(row - self._height // 2)
        self._set_titles()
        self.refresh()

    def _set_titles(self) -> None:
        rows = self._rows
        words = [Content(LEVEL_WORDS[rows.least])] if rows.least else []
        if rows.needle:
            place = f"{rows.place} of {exact(len(rows.matches))}" if rows.matches else "not found"
            words.append(Content(f"/{rows.needle}  {place}"))
        if self.following and len(rows):
            words.append(Content("following"))
        elif self._unseen:
            words.append(Content.styled(f"+{exact(self._unseen)} lines · {self.TO_THE_END}", f"bold {ACCENT}"))
        set_titles(self, subtitle=Content(" · ").join(words))
