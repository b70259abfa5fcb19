"""A box whose content is a pure function of the frame and of the box's size."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.widgets.line import StaticLine

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame

Draw = Callable[["Frame", int, int], Content]
"""From frame, inner width and inner height."""


class Panel(StaticLine):
    """The box."""

    DEFAULT_CSS = """
    Panel { text-wrap: nowrap; }
    """

    def __init__(
        self, draw: Draw, *, title: str = "", opens: str = "", id: str | None = None, classes: str = "box"
    ) -> None:
        """`opens`: the mode that a click on the box opens."""
        super().__init__(id=id, classes=classes)
        self._draw_content = draw
        self._opens = opens
        self._frame: Frame | None = None
        if title:
            self.border_title = title

    def show(self, frame: Frame) -> None:
        self._frame = frame
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    async def on_click(self) -> None:
        if self._opens:
            await self.app.run_action(f"app.mode({self._opens!r})")

    def _draw(self) -> None:
        width, height = self.content_size
        if self._frame is not None and width > 0 and height > 0:
            self.put(self._draw_content(self._frame, width, height))
