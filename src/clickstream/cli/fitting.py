"""Fits text to a terminal: where a line breaks, which columns of a table stay and how wide they are.

Nothing here breaks a number, its unit, or a name. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

SPACE = 2
"""Cells between two columns."""

DEEPEST = 20
"""Cells of the deepest indentation."""

_UNIT = r"(?:[kMGT]?i?B|[kMGT]?/s|[kMGT](?:/s)?|ms|us|s|min|h|%)"
_WORDS = re.compile(rf"(\s*)([^\s`]*`[^`]*`\S*|(?:\(?\d+: )?\S*\d(?: {_UNIT}(?: \d+ {_UNIT})?)[).,;:]*(?!\S)|\S+)")
"""A word and the space before it. One word are a command in backticks, a number with its unit, and `0: 341,247`."""

_NAME = re.compile(r"(?:\S+(?: \S+)*)?\s{2,}")
"""The name before a value, or the indentation."""

_BORDERS = re.compile(r"(?<=[/,])")


def size(text: str) -> int:
    """Cells that the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, the later ones below the first one's value.

    A word longer than that breaks behind a comma or a slash. If that is not enough either, its line is too long.
    """
    if size(text) <= width:
        return [text]
    name = _NAME.match(text)
    indent = " " * (name.end() if name and name.end() <= min(DEEPEST, width // 2) else 0)
    lines = [""]
    for space, word in _parts(text, width - len(indent)):
        if lines[-1].strip() and size(lines[-1] + space + word) > width:
            lines.append(indent + word)
        else:
            lines[-1] += space + word
    return lines


def fits(text: str, width: int) -> bool:
    """Whether no line is longer once the text is wrapped."""
    return all(size(word) <= width for _, word in _parts(text, width))


def cut(text: str, width: int) -> str:
    """The beginning of the text, with an ellipsis if that is not all of it."""
    if size(text) <= width:
        return text
    while size(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def fit(natural: Sequence[int], least: Sequence[int], order: Sequence[int], width: int) -> Mapping[int, int]:
    """The columns that stay, each with its width.

    Args:
        natural: what each column takes if nothing is broken or cut.
        least: what each takes at least.
        order: the columns that may go, the least important first.
        width: cells for all of them, with the spaces in between.
    """
    columns = [index for index, cells in enumerate(natural) if cells]
    going = iter(order)
    while (spare := width + SPACE - sum(least[index] + SPACE for index in columns)) < 0:
        gone = next(going, None)
        if gone is None:
            break
        if gone in columns:
            columns.remove(gone)
    widths = {}
    for index in columns:
        more = max(0, min(natural[index] - least[index], spare))
        widths[index] = least[index] + more
        spare -= more
    return widths


def _parts(text: str, width: int) -> Iterator[tuple[str, str]]:
    """Words, each with the space before it; those longer than `width` in pieces."""
    for space, word in _WORDS.findall(text):
        if size(word) <= width:
            yield space, word
        elif " " in word:
            for number, part in enumerate(word.split()):
                yield from _pieces(" " if number else space, part, width)
        else:
            yield from _pieces(space, word, width)


def _pieces(space: str, word: str, width: int) -> Iterator[tuple[str, str]]:
    line = ""
    for piece in _BORDERS.split(word):
        if line and size(line + piece) > width:
            yield space, line
            space, line = "", ""
        line += piece
    if line:
        yield space, line
