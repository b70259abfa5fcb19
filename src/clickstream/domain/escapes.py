"""Makes foreign bytes and text safe to print: control characters and invalid bytes become escapes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}

_STRAY = range(0xDC80, 0xDD00)
"""How `surrogateescape` keeps a byte that is not UTF-8."""


class _Escapes(dict[int, str]):
    """From code point to what stands for it; finds out with the first that comes, and remembers."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _escape(code)
        return found


def _escape(code: int) -> str:
    if chr(code).isprintable():
        return chr(code)
    if code in _SHORT:
        return _SHORT[code]
    if code in _STRAY:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ALL = _Escapes()
_BUT_LINE_ENDS = _Escapes({0x0A: "\n"})


def escape_controls(text: str, *, lines: bool = False) -> str:
    r"""The text with everything that a terminal would not print as it is written as `\x1b`, `\u202e`, `\n`.

    That is control characters, invisible ones, those that change the direction of writing, and unknown ones.
    `lines`: line ends stay what they are.
    """
    return text if text.isprintable() else text.translate(_BUT_LINE_ENDS if lines else _ALL)


def brief(text: str, limit: int) -> str:
    """The text, with controls escaped, of at most `limit` characters."""
    shown = escape_controls(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def escape_bytes(data: bytes, *, lines: bool = False) -> str:
    r"""The bytes as UTF-8 text, with controls escaped; a byte that is not UTF-8 as `\xff`."""
    return escape_controls(data.decode("utf-8", "surrogateescape"), lines=lines)


def hex_lines(data: bytes, width: int = 16) -> Iterator[str]:
    """The bytes as in a hex dump, `width` a line: offset, hex, and what is printable ASCII."""
    for at in range(0, len(data), width):
        part = data[at : at + width]
        pairs = " ".join(f"{byte:02x}" for byte in part)
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        yield f"{at:08x}  {pairs:<{3 * width - 1}}  {letters}"
