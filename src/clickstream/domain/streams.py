"""Prepares the standard streams: opens closed ones on /dev/null, and replaces characters that one cannot encode."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from typing import Final, TextIO

_PLAIN: Final = {
    **dict.fromkeys("─–▔▁", "-"),
    **dict.fromkeys("━", "="),
    **dict.fromkeys("│▎▏▍", "|"),
    **dict.fromkeys("┬┴╭╮╯╰", "+"),
    **dict.fromkeys("●◆▃▄▅", "*"),
    **dict.fromkeys("▆▇█▉▊▋▌▐", "#"),
    **dict.fromkeys("○◌", "o"),
    **dict.fromkeys("·▂", "."),
    **dict.fromkeys("↑▲↗", "^"),
    **dict.fromkeys("↓▼↘", "v"),
    **dict.fromkeys("◀", "<"),
    **dict.fromkeys("▶", ">"),
    "…": "...",
    "→": "->",
    "✓": "ok",
    "✖": "x",
}
"""What is written for characters of ours that a stream cannot take."""

_HANDLER: Final = "clickstream-plain"


def prepare() -> None:
    """Open on /dev/null what was closed, and replace what a stream's encoding lacks. Call it first of all.

    A descriptor that stays closed would be given to the next file or socket, and what is written or read by its old
    name would go there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if not _is_open(number):
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (it stays open)
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)


def _never_fail(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=_HANDLER)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(letter: str) -> str:
    """Of a letter with an accent the letter; of another, its number as it stands in Python and JSON."""
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return _PLAIN.get(letter) or bare or letter.encode("ascii", "backslashreplace").decode()
