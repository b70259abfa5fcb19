"""A Static that is redrawn only when what it shows is new."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Line(Static):
    """Text that changes seldom, given often."""

    _shown: Content | None = None

    def put(self, content: Content) -> None:
        """Show this, unless it is there already."""
        if self._shown is None or not self._shown.is_same(content):
            self._shown = content
            self.update(content, layout=False)
