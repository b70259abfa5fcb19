"""Writes data to stdout: one JSON document, or text, which fits the terminal if stdout is one.

Control characters in cells and lines are escaped.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from clickstream.cli import activity, fitting
from clickstream.cli.diagnostics import print_message
from clickstream.cli.terminal import console
from clickstream.domain.escapes import escape_controls

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

Cell = str | int | float | None

UNKNOWN = "?"
NOTHING = "-"

_GREEN, _YELLOW, _RED, _DIM = "green", "yellow", "bold red", "dim"

STATES = {
    **dict.fromkeys(("ok", "OK", "running", "finished", "done"), ("●", _GREEN)),
    **dict.fromkeys(("idle",), ("●", _DIM)),
    **dict.fromkeys(("starting", "stopping", "backoff", "waiting", "warn", "WARN", "LAGGING"), ("▲", _YELLOW)),
    **dict.fromkeys(("paused", "STOPPED"), ("◌", _YELLOW)),
    **dict.fromkeys(("failed", "down", "STALLED"), ("✖", _RED)),
    **dict.fromkeys(("off", "stopped"), ("◌", _DIM)),
}
"""Words for states, with the glyph and the style that go with them on a terminal: colour is never alone."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers; numbers stand to the right.

    A terminal that is too narrow for all of it gets fewer columns, never a number or a name in pieces. The tuples below
    hold headers. The first column names the row and always stays.
    """

    headers: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    drop: tuple[str, ...] = ()
    """The columns to leave out, the least important first. The others follow from the right, if that is not enough."""
    wrap: tuple[str, ...] = ()
    """Free text, which wraps between words. What has no room in its row is written below the table; a column in `drop`
    may be left out all the same."""
    cut: tuple[str, ...] = ()
    """Excerpts, which are cut."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A sentence, or `name  value`."""

    text: str


Block = Table | TextLine

Result = TypeVar("Result")


class Summarized(Protocol):
    """What an action did."""

    def summary(self) -> str:
        """In one sentence."""
        ...


def is_terminal() -> bool:
    """Whether stdout is one."""
    return sys.stdout.isatty()


def json_text(document: object, *, indent: int | None = None) -> str:
    """The document as JSON, all of it ASCII that prints; dataclasses become objects, enums their values."""
    return json.dumps(document, indent=indent, default=_plain)


def write_json(document: object) -> None:
    """The one JSON document of a command."""
    activity.end()
    sys.stdout.write(json_text(document, indent=2) + "\n")


def write_json_line(document: object) -> None:
    """One of a stream of JSON documents, a line each."""
    activity.end()
    sys.stdout.write(json_text(document) + "\n")
    sys.stdout.flush()


def write_text(line: str) -> None:
    """One line."""
    activity.end()
    sys.stdout.write(escape_controls(line) + "\n")
    sys.stdout.flush()


def write_raw(text: str) -> None:
    """A document in a form of its own, all of it ours, as it is."""
    activity.end()
    sys.stdout.write(text)


def show(result: Result, view: Callable[[Result], Sequence[Block]], *, as_json: bool) -> None:
    """Data: as JSON, or as the view words it."""
    if as_json:
        write_json(result)
    else:
        write(view(result))


def report(result: Summarized, *, as_json: bool, document: object = None) -> None:
    """What a command did: as JSON (the result itself, or a document of it), or as the sentence that it has for that."""
    if as_json:
        write_json(result if document is None else document)
    else:
        activity.end()
        print_message(result.summary())


def write(blocks: Sequence[Block]) -> None:
    """Text for people who asked for data."""
    activity.end()
    if is_terminal():
        console().print(renderable(blocks), crop=False)
    else:
        sys.stdout.write(plain(blocks))
        sys.stdout.flush()


def width() -> int | None:
    """Cells of a line; None without a terminal."""
    return console().width if is_terminal() else None


def renderable(blocks: Sequence[Block]) -> Blocks:
    """The blocks for rich."""
    return Blocks(blocks)


def plain(blocks: Sequence[Block]) -> str:
    """The blocks as aligned text."""
    return "".join(f"{line.rstrip()}\n" for block in blocks for line in _plain_lines(block))


def number(value: float | None, *, unit: str = "") -> str:
    """A rate or a size in three significant digits: `61.2 k` with the unit after it; nothing is `-`, unknown is `?`."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return NOTHING
    scaled, prefixes = float(value), ["", "k", "M", "G"]
    while abs(scaled) >= 999.5 and len(prefixes) > 1:
        scaled /= 1000
        del prefixes[0]
    prefix = prefixes[0]
    digits = 0 if abs(scaled) >= 99.95 or (not prefix and scaled == int(scaled)) else 1 if abs(scaled) >= 9.995 else 2
    return f"{scaled:,.{digits}f} {prefix}".rstrip() + unit


def rate(value: float | None) -> str:
    """A rate within a sentence, where nothing is `0/s`."""
    return "0/s" if value == 0 else number(value, unit="/s")


def exact(value: float | None) -> str:
    """Every digit, thousands separated; unknown is `?`."""
    return UNKNOWN if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """A span: 4.2 s, 3 min 20 s, 2 h 5 min; unknown is `?`."""
    if value is None:
        return UNKNOWN
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _plain(value: object) -> Any:
    names = getattr(value, "__struct_fields__", None)
    if names is None and dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    if names is not None:
        return {name: getattr(value, name) for name in names}
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return escape_controls(value) if isinstance(value, str) else exact(value)


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or (text[:1] == "-" and text[1:2].isdigit()) or text in {UNKNOWN, NOTHING}


def _right_aligned(table: Table) -> list[bool]:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.headers]
    return [
        bool(column) and header not in table.wrap and all(_is_number(_cell(cell)) or not _cell(cell) for cell in column)
        for header, column in zip(table.headers, columns, strict=True)
    ]


def _plain_lines(block: Block) -> Iterator[str]:
    if isinstance(block, TextLine):
        yield escape_controls(block.text)
        return
    if block.title:
        yield block.title
    rows = [list(block.headers), *([_cell(cell) for cell in row] for row in block.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(block.headers))]
    right = _right_aligned(block)
    for row in rows:
        cells = (
            text.rjust(width) if rightwards else text.ljust(width)
            for text, width, rightwards in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells)


class Blocks:
    """Blocks for rich, at the width that it has, with an empty line around each table if there is room for it."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = list(self._lines(options.max_width, _widest.setdefault(console, {})))
        yield from _squeezed(lines, console.height) if console.is_alt_screen else lines

    def _lines(self, width: int, widest: dict[tuple[str, ...], list[int]]) -> Iterator[Text]:
        before: Block = TextLine("")
        for block in self._blocks:
            if isinstance(block, Table) and not block.rows and not block.title:
                continue
            if Table in {type(before), type(block)} and TextLine("") not in (before, block):
                yield _text("")
            before = block
            if isinstance(block, TextLine):
                yield from _wrapped(escape_controls(block.text), width)
            else:
                yield from _Drawing(block, width, widest).lines()


_widest: WeakKeyDictionary[Console, dict[tuple[str, ...], list[int]]] = WeakKeyDictionary()
"""What the columns of a table took at most so far: what is drawn once a second keeps its columns."""

LEAST_TEXT = 24
"""Cells of a column of free text at least."""

LEAST_EXCERPT = 20


class _Drawing:
    """A table at the width of a terminal."""

    def __init__(self, table: Table, width: int, widest: dict[tuple[str, ...], list[int]]) -> None:
        self._table, self._width = table, width
        self._cells = [[_with_glyph(_cell(cell)) for cell in row] for row in table.rows]
        self._right = _right_aligned(table)
        before = widest.setdefault(table.headers, [0] * len(table.headers))
        self._natural = [
            size if table.headers[index] in table.wrap else max(size, before[index])
            for index, size in enumerate(
                max(map(fitting.size, column)) for column in zip(table.headers, *self._cells, strict=True)
            )
        ]
        widest[table.headers] = self._natural
        self._texts = [
            index
            for index, header in enumerate(table.headers)
            if index and header in table.wrap and header not in table.drop
        ]
        self._widths = self._fitted()

    def lines(self) -> Iterator[Text]:
        table = self._table
        yield from _wrapped(escape_controls(table.title), self._width, "bold") if table.title else ()
        if not table.rows:
            return
        yield from self._row(table.headers, ["dim"] * len(table.headers))
        yield _text("─" * (sum(self._widths.values()) + fitting.SPACE * (len(self._widths) - 1)))
        for row, cells in zip(table.rows, self._cells, strict=True):
            yield from self._row(cells, [STATES.get(_cell(cell), ("", ""))[1] for cell in row])
        for line in self._below():
            yield from _wrapped(line, self._width)
        gone = [header for index, header in enumerate(table.headers) if header and self._is_left_out(index)]
        if gone:
            yield from _wrapped(f"not shown, see --json: {', '.join(gone)}", self._width, _DIM)

    def _fitted(self) -> Mapping[int, int]:
        headers, drop = self._table.headers, self._table.drop
        least = [self._least(index) for index in range(len(headers))]
        rest = [index for index in reversed(range(1, len(headers))) if index not in self._texts]
        order = [*map(headers.index, drop), *self._texts, *(index for index in rest if headers[index] not in drop)]
        widths = fitting.fit(self._natural, least, order, self._width)
        if all(index in widths for index in self._texts if self._natural[index]):
            return widths
        natural = [0 if index in self._texts else size for index, size in enumerate(self._natural)]
        return fitting.fit(natural, least, order, self._width)

    def _least(self, index: int) -> int:
        header, natural = self._table.headers[index], self._natural[index]
        if header in self._table.cut:
            return min(natural, LEAST_EXCERPT)
        return min(natural, LEAST_TEXT) if header in self._table.wrap else natural

    def _row(self, cells: Sequence[str], styles: Sequence[str]) -> Iterator[Text]:
        """A row, in as many lines as its free text takes."""
        lines = {index: self._cell_lines(index, cells[index]) for index in self._widths}
        for number in range(max(map(len, lines.values()))):
            line = _text("")
            for index, width in self._widths.items():
                text = lines[index][number] if number < len(lines[index]) else ""
                space = " " * (width - fitting.size(text))
                line.append(" " * fitting.SPACE if line else "")
                line.append(f"{space}{text}" if self._right[index] else f"{text}{space}", styles[index])
            line.rstrip()
            yield line

    def _cell_lines(self, index: int, text: str) -> list[str]:
        width = self._widths[index]
        if self._table.headers[index] in self._table.cut:
            return [fitting.cut(text, width)]
        if self._table.headers[index] not in self._table.wrap:
            return [text]
        return fitting.wrapped(text, width) if self._has_room(index, text) else ["…"]

    def _below(self) -> Iterator[str]:
        """Free text that has no room in its row."""
        headers = self._table.headers
        shown = [index for index, header in enumerate(headers) if header in self._table.wrap and index in self._widths]
        for name, *cells in self._cells:
            row = f"{headers[0]} {name}" if _is_number(name) else name
            for index, text in enumerate(cells, 1):
                if text and index in {*self._texts, *shown} and not self._has_room(index, text):
                    yield f"{row}: {headers[index]} {text}" if headers[index] else f"{row}: {text}"

    def _has_room(self, index: int, text: str) -> bool:
        return index in self._widths and fitting.fits(text, self._widths[index])

    def _is_left_out(self, index: int) -> bool:
        return index not in self._widths and index not in self._texts and self._natural[index] > 0


def _squeezed(lines: list[Text], height: int) -> list[Text]:
    """For a screen of that height: without empty lines if they are too many, then without those before the last."""
    if len(lines) > height:
        lines = [line for line in lines if line]
    return lines if len(lines) <= height else [*lines[: height - 2], _text("…"), lines[-1]]


def _with_glyph(text: str) -> str:
    glyph = STATES.get(text, ("", ""))[0]
    return f"{glyph} {text}" if glyph else text


def _wrapped(text: str, width: int, style: str = "") -> Iterator[Text]:
    return (_text(line, style) for line in fitting.wrapped(text, width))


def _text(line: str, style: str = "") -> Text:
    """One line, which is not broken again."""
    from rich.text import Text

    return Text(line, style, no_wrap=True, overflow="ignore")
