"""The lines of a log view: which are shown, how they break into rows, and where a search matches. Draws nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, get_character_cell_size

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine

MOST = 20_000
"""Lines that are kept; more come from the log itself (`consumer logs`)."""

ROOM_FOR_NAMES = 14

Row = tuple[int, int, int]
"""A line's index and the characters of it that stand in this row, from and to."""


class LogRows:
    """The lines and their rows. Indexes of lines count on when old ones go."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self._first = 0
        """The index of the oldest line kept."""
        self._rows: list[Row] = []
        self._indexes: list[int] = []
        """Those of `_rows`, for finding a line's row."""
        self._view_width = 80
        self._names: set[str] = set()
        self.wrap = False
        self.least = 0
        """The least level that is shown."""
        self.width = 0
        """Cells of the widest row, names included."""
        self.needle = ""
        self.matches: list[int] = []
        """Indexes of the shown lines that hold the needle."""
        self.here: int | None = None
        """The match that the view has jumped to."""

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Row:
        return self._rows[row]

    @property
    def with_names(self) -> bool:
        return len(self._names) > 1

    @property
    def name_width(self) -> int:
        return min(ROOM_FOR_NAMES, max(map(len, self._names), default=0))

    @property
    def place(self) -> str:
        """Which of the matches `here` is."""
        return str(self.matches.index(self.here) + 1) if self.here in self.matches else "?"

    def line(self, index: int) -> LogLine:
        return self._lines[index - self._first]

    def add(self, lines: Sequence[LogLine]) -> tuple[int, int]:
        """Append; how many rows went at the top, and how many lines that are shown came."""
        names, rows_before = len(self._names), len(self._rows)
        self._names.update(line.process for line in lines)
        self._lines += lines
        excess = len(self._lines) - MOST
        if excess > 0:
            excess = min(len(self._lines), excess + MOST // 10)  # rarely, and then many
            del self._lines[:excess]
            self._first += excess
        shown = sum(line.level >= self.least for line in lines)
        if excess > 0 or (names != len(self._names) and self._rows):
            gone = bisect_left(self._indexes, self._first) if excess > 0 else 0
            self.lay_out(self._view_width)
            return gone, shown
        self._break(range(self._first + len(self._lines) - len(lines), self._first + len(self._lines)))
        return 0, shown if len(self._rows) > rows_before else 0

    def clear(self) -> None:
        self._lines.clear()
        self._names.clear()
        self.here = None
        self.lay_out(self._view_width)

    def lay_out(self, width: int) -> None:
        """Compute all rows again, for a view of that many cells."""
        self._view_width = width
        self._rows.clear()
        self._indexes.clear()
        self.matches.clear()
        self.width = 0
        self._break(range(self._first, self._first + len(self._lines)))

    def search(self, needle: str) -> None:
        """Search for this from now on, whatever its case; empty: end the search."""
        self.needle, self.here = needle.lower(), None
        self.matches = [index for index in dict.fromkeys(self._indexes) if self._holds(index)]

    def found_in(self, index: int) -> Iterator[tuple[int, int]]:
        """Where in the line the needle stands, from and to."""
        text, at = self.line(index).text.lower(), 0
        while self.needle and (at := text.find(self.needle, at)) >= 0:
            yield at, at + len(self.needle)
            at += len(self.needle)

    def match_before(self, row: int) -> int | None:
        """The last match above this row; the first of all where there is none above."""
        index = self.index_at(row - 1)
        place = bisect_right(self.matches, index) if index is not None else len(self.matches)
        return self.matches[max(0, place - 1)] if self.matches else None

    def next_match(self, step: int) -> int:
        """The match after (1) or before (-1) `here`; it wraps around."""
        if self.here is None:
            return self.matches[0 if step > 0 else -1]
        place = bisect_right(self.matches, self.here) if step > 0 else bisect_left(self.matches, self.here) - 1
        return self.matches[place % len(self.matches)]

    def index_at(self, row: int) -> int | None:
        """The line that stands in this row, or in the last one."""
        return self._indexes[min(max(0, row), len(self._indexes) - 1)] if self._indexes else None

    def row_of(self, index: int) -> int:
        """The first row of this line, or of the next one that is shown."""
        return bisect_left(self._indexes, index)

    def _break(self, indexes: range) -> None:
        room = max(10, self._view_width - self._name_room)
        for index in indexes:
            line = self.line(index)
            if line.level < self.least:
                continue
            length = len(line.text) if line.text.isascii() else cell_len(line.text)
            if not self.wrap or length <= room:
                self._rows.append((index, 0, len(line.text)))
                self._indexes.append(index)
                self.width = max(self.width, length + self._name_room)
            else:
                pieces = [(index, start, end) for start, end in _pieces(line.text, room)]
                self._rows += pieces
                self._indexes += [index] * len(pieces)
            if self.needle and self._holds(index):
                self.matches.append(index)

    @property
    def _name_room(self) -> int:
        return self.name_width + 1 if self.with_names else 0

    def _holds(self, index: int) -> bool:
        return bool(self.needle) and self.needle in self.line(index).text.lower()


def _pieces(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Where the text is cut so that no piece takes more than `room` cells."""
    if text.isascii():
        for start in range(0, len(text), room):
            yield start, min(len(text), start + room)
        return
    start = cells = 0
    for at, letter in enumerate(text):
        size = get_character_cell_size(letter)
        if cells + size > room:
            yield start, at
            start, cells = at, 0
        cells += size
    yield start, len(text)
