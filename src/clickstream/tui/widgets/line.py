"""Draws only on change: text that is set often and changes rarely, and the titles in borders.

No character of the text can control the terminal.
"""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


class StaticLine(Static):
    """Text that is set often and changes rarely."""

    _shown: Content | None = None

    def put(self, content: Content, *, layout: bool = False) -> None:
        """Show this, unless it is there already. `layout`: its height may be another."""
        if self._shown is None or not self._shown.is_same(content):
            self._shown = content
            self.update(replace_controls(content), layout=layout)


def set_titles(widget: Widget, title: str | Content | None = None, subtitle: str | Content | None = None) -> None:
    """Put these into the widget's border, unless they are there already; None: what is there stays.

    Text is text: it is not read as markup.
    """
    for name, given in (("border_title", title), ("border_subtitle", subtitle)):
        if given is None:
            continue
        wanted = replace_controls(Content(given) if isinstance(given, str) else given)
        if (getattr(widget, name) or "") != wanted.markup:
            setattr(widget, name, wanted)


def replace_controls(content: Content) -> Content:
    """The same, with a sign in place of each control character. Foreign text is escaped before it comes here; this
    catches what was forgotten."""
    plain = content.plain
    if plain.replace("\n", "").isprintable():
        return content
    shown = "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in plain)
    return Content(shown, list(content.spans))
