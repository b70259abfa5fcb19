"""One whole reject: its facts, then its payload as text or as a hex dump, with control characters escaped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from clickstream.tui.drawing.states import ACCENT, BUSY, DIM
from clickstream.tui.drawing.text import exact
from clickstream.tui.widgets.line import StaticLine, set_titles

if TYPE_CHECKING:
    from clickstream.actions.rejects.listing import Reject

HEX_WIDE, HEX_NARROW = 16, 8

HEX_WIDE_COLUMNS = 76
"""Cells that a dump of 16 bytes a line takes."""


class PayloadView(VerticalScroll):
    """The view."""

    DEFAULT_CSS = """
    PayloadView StaticLine { height: auto; width: 100%; }
    """

    def __init__(self, *, classes: str = "", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)
        self._reject: Reject | None = None
        self._loading = False
        self.as_hex = False

    def compose(self) -> ComposeResult:
        yield StaticLine(id="description")

    def show(self, reject: Reject | None, *, empty: str = "", loading: bool = False) -> None:
        """Show this one; `empty` where there is none. `loading`: more of it is being read."""
        fresh = reject is None or self._reject is None or reject.id != self._reject.id
        self._reject, self._loading = reject, loading
        form = "as a hex dump · h text" if self.as_hex else "as text · h hex dump"
        set_titles(self, reject.id if reject else "payload", form if reject and reject.payload else "")
        if reject is None:
            self._put(Content.styled(empty, DIM))
            return
        self._put(Content("\n").join([*_facts(reject), Content(""), *self._payload(reject)]))
        if fresh:
            self.scroll_home(animate=False)

    def toggle_hex(self) -> None:
        self.as_hex = not self.as_hex
        if self._reject is not None:
            self.show(self._reject, loading=self._loading)

    def on_resize(self) -> None:
        if self.as_hex and self._reject is not None:
            self.show(self._reject, loading=self._loading)

    def _put(self, content: Content) -> None:
        self.query_one("#description", StaticLine).put(content, layout=True)

    def _payload(self, reject: Reject) -> Iterator[Content]:
        if not reject.payload:
            yield Content.styled("empty" if reject.payload is not None else "the message had no value", DIM)
            return
        if self.as_hex:
            from clickstream.domain.escapes import hex_lines

            width = HEX_WIDE if self.content_size.width >= HEX_WIDE_COLUMNS else HEX_NARROW
            yield Content("\n".join(hex_lines(reject.payload, width)))
        else:
            yield marked(reject.payload)
        if len(reject.payload) < reject.size and not self._loading:
            shown = f"… the first {exact(len(reject.payload))} of {exact(reject.size)} bytes; "
            yield Content.styled(f"{shown}`clickstream rejects show {reject.id} --raw` has all", DIM)


def marked(data: bytes) -> Content:
    """The bytes as text; what had to be escaped stands out, so that it is not taken for what was written so."""
    from clickstream.domain.escapes import escape_controls

    text = data.decode("utf-8", "surrogateescape")
    parts = groupby(text, key=str.isprintable)
    return Content.assemble(*((escape_controls("".join(part)), "" if plain else BUSY) for plain, part in parts))


def _facts(reject: Reject) -> Iterator[Content]:
    from clickstream.domain.escapes import escape_bytes, escape_controls

    yield Content.styled(reject.reason, "bold")
    if reject.partition is None:
        place = f"line {exact(reject.position)} of the file that was sent, kept in {escape_controls(reject.where)}"
    else:
        place = f"{escape_controls(reject.where)}, partition {reject.partition}, offset {exact(reject.position)}"
    yield Content(place)
    key = "" if reject.key is None else f" · key {escape_bytes(reject.key)[:40]}"
    yield Content.assemble(
        (f"{reject.at[:10]} {reject.at[11:19]} UTC{key} · ", DIM), (f"{exact(reject.size)} bytes", ACCENT)
    )
