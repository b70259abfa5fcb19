"""What is drawn only when it is new: text that changes seldom and is given often, and the titles in borders.

Whatever is in the text, no character of it steers the terminal.
"""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


class Line(Static):
    """Text that changes seldom, given often."""

    _shown: Content | None = None

    def put(self, content: Content, *, layout: bool = False) -> None:
        """Show this, unless it is there already. `layout`: its height may be another."""
        if self._shown is None or not self._shown.is_same(content):
            self._shown = content
            self.update(tame(content), layout=layout)


def head(widget: Widget, title: str | Content | None = None, subtitle: str | Content | None = None) -> None:
    """Put these into the widget's border, unless they are there already; None: what is there stays.

    Text is text: it is not read as markup.
    """
    for name, given in (("border_title", title), ("border_subtitle", subtitle)):
        if given is None:
            continue
        wanted = tame(Content(given) if isinstance(given, str) else given)
        if (getattr(widget, name) or "") != wanted.markup:
            setattr(widget, name, wanted)


def tame(content: Content) -> Content:
    """The same, a sign in place of each character that is no print. What shows foreign text escapes it before: this
    is for what was forgotten."""
    plain = content.plain
    if plain.replace("\n", "").isprintable():
        return content
    shown = "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in plain)
    return Content(shown, list(content.spans))
