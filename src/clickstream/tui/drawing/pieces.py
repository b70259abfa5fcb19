"""Rows made of styled pieces: padded, clipped and put side by side, all to exact widths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from clickstream.tui.drawing.text import clip

Piece = tuple[str, str]
"""Text and style."""

Row = list[Piece]


def width_of(row: Iterable[Piece]) -> int:
    return sum(len(text) for text, _ in row)


def fit(row: Sequence[Piece], width: int) -> Row:
    """Exactly `width` cells: clipped with a sign, or padded."""
    fitted: Row = []
    room = width
    for text, style in row:
        if room <= 0:
            break
        shown = clip(text, room)
        fitted.append((shown, style))
        room -= len(shown)
    return [*fitted, (" " * room, "")] if room > 0 else fitted


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int) -> Row:
    """Left and right ends of one row; the left one is clipped when both do not fit."""
    end = width_of(right)
    if end >= width:
        return fit(right, width)
    return [*fit(left, width - end), *right]


def content(rows: Iterable[Sequence[Piece]]) -> Content:
    """The rows, one a line."""
    return Content("\n").join(Content.assemble(*row) for row in rows)


def box(
    title: Sequence[Piece], rows: Sequence[Row], width: int, *, foot: Sequence[Piece] = (), line: str = "dim"
) -> list[Row]:
    """The rows in a frame with the title in its upper border and `foot` at the right of the lower one."""
    inner = width - 4
    top_room = width - 4 - width_of(fit_title := list(title))
    if top_room < 0:
        fit_title = [piece for piece in fit(title, width - 4) if piece[0]]
        top_room = 0
    top: Row = [("╭ ", line), *fit_title, (" " + "─" * top_room + "╮", line)]
    end = list(foot)
    bottom_room = width - 2 - width_of(end) - (2 if end else 0)
    if end and bottom_room >= 0:
        bottom: Row = [("╰" + "─" * bottom_room + " ", line), *end, (" ╯", line)]
    else:
        bottom = [("╰" + "─" * (width - 2) + "╯", line)]
    body = [[("│ ", line), *fit(row, inner), (" │", line)] for row in rows]
    return [top, *body, bottom]


def beside(columns: Sequence[list[Row]]) -> list[Row]:
    """Blocks of equal height, side by side."""
    return [[piece for column in columns for piece in column[index]] for index in range(len(columns[0]))]
