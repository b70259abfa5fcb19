"""Connects bursts.py to an app: notes every input before it has an effect, and delays effects until the decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.events import Event, Key, MouseDown, Paste
from textual.theme import ThemeProvider
from textual.widgets import Input, TextArea

from clickstream.tui.bursts import NOTICE, Bursts, Do
from clickstream.tui.palette import CommandPalette
from clickstream.tui.screens.dialog import Answer, Dialog

if TYPE_CHECKING:
    from textual.app import App


class PasteGuard:
    """Mixed into an App."""

    _bursts: Bursts

    def guard(self, quiet: float) -> None:
        """From its constructor; `quiet`: see Bursts."""
        self._bursts = Bursts(quiet, self._later, self._tell)

    async def on_event(self, event: Event) -> None:
        """Every input passes here, before anything that it causes."""
        if not event.is_forwarded and isinstance(event, Key | Paste | MouseDown):
            text = isinstance(self._app.focused, Input | TextArea)
            if isinstance(event, Paste):
                self._bursts.note_paste(event.time, text=text)
            else:
                self._bursts.note(event.key if isinstance(event, Key) else "mouse", event.time, text=text)
        await super().on_event(event)  # type: ignore[misc]

    def act(self, do: Do) -> None:
        """Start, stop or delete something: if the key that asked for it came alone, not in a paste."""
        self._bursts.act(do)

    def show_dialog(self, dialog: Dialog[Answer], answered: Callable[[Answer | None], None]) -> None:
        """Open a dialog whose answer starts, stops or deletes something: by a key that came alone, too, so that none
        is left open by a paste, for an Enter that was meant for a shell."""
        self.act(partial(self._app.push_screen, dialog, answered))

    def action_command_palette(self) -> None:
        """Replaces the framework's palette, here and for themes."""
        if not isinstance(self._app.screen, CommandPalette):
            self._app.push_screen(CommandPalette(id="--command-palette"))

    def search_themes(self) -> None:
        self._app.push_screen(CommandPalette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def _later(self, seconds: float, do: Do) -> None:
        # Through the queue, so that all inputs that have arrived until then come first.
        self._app.set_timer(seconds, lambda: self._app.call_later(do))

    def _tell(self) -> None:
        self._app.notify(NOTICE, severity="warning", markup=False)

    @property
    def _app(self) -> App[Any]:
        return cast("App[Any]", self)
