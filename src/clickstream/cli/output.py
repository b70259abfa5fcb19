"""Data on stdout: one JSON document, or text. Tables are drawn by rich on a terminal, plainly aligned elsewhere.

Whatever a cell or a line holds, no character of it steers the terminal.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from clickstream.cli import activity
from clickstream.cli.diagnostics import say
from clickstream.domain.harmless import harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

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
    """Rows under headers; numbers stand to the right."""

    headers: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, or `name  value`."""

    text: str


Block = Table | Line

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
    sys.stdout.write(harmless(line) + "\n")
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
        say(result.summary())


def write(blocks: Sequence[Block]) -> None:
    """Text for people who asked for data."""
    activity.end()
    if is_terminal():
        console().print(renderable(blocks))
    else:
        sys.stdout.write(plain(blocks))
        sys.stdout.flush()


def console(*, stderr: bool = False) -> Console:
    """The terminal, as rich sees it."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def renderable(blocks: Sequence[Block]) -> RenderableType:
    """The blocks for rich."""
    from rich.console import Group
    from rich.text import Text

    return Group(*(Text(harmless(block.text)) if isinstance(block, Line) else _rich_table(block) for block in blocks))


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
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else exact(value)


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or (text[:1] == "-" and text[1:2].isdigit()) or text in {UNKNOWN, NOTHING}


def _right_aligned(table: Table) -> list[bool]:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.headers]
    return [bool(column) and all(_is_number(_cell(cell)) or not _cell(cell) for cell in column) for column in columns]


def _plain_lines(block: Block) -> Iterator[str]:
    if isinstance(block, Line):
        yield harmless(block.text)
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


def _rich_table(block: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(
        title=block.title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for header, rightwards in zip(block.headers, _right_aligned(block), strict=True):
        table.add_column(header, justify="right" if rightwards else "left", header_style="dim", overflow="fold")
    for row in block.rows:
        table.add_row(*(_rich_cell(_cell(cell)) for cell in row))
    return table if block.rows else Text(block.title)


def _rich_cell(text: str) -> Any:
    from rich.text import Text

    glyph, style = STATES.get(text, ("", ""))
    return Text(f"{glyph} {text}", style=style) if glyph else Text(text)
