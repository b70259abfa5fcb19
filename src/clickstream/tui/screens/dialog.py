"""Dialogs over the dashboard: they close only once, and a paste cannot give an answer that changes something."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

if TYPE_CHECKING:
    from clickstream.tui.bursts import Do

Answer = TypeVar("Answer")


class Guard(Protocol):
    """What a dialog needs of the app: a PasteGuard."""

    def act(self, do: Do) -> None: ...


class SingleDismissal:
    """Mixed into a screen. Keys that come fast reach it after it was closed: a second Enter would close what is below
    it, and with the last screen end the app."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        screen = cast("Screen[Any]", self)
        if screen.app.screen is not screen:
            return AwaitComplete()
        return cast("AwaitComplete", super().dismiss(result))  # type: ignore[misc]


class Overlay(SingleDismissal, ModalScreen[Answer]):
    """What is opened over the dashboard."""


class Dialog(Overlay[Answer]):
    """A question over the dashboard. `dismiss` leaves it in any case; `answer` goes on."""

    def answer(self, answer: Answer) -> None:
        """Close, and go on with this answer; stay as it is where the key belongs to a burst."""
        cast("Guard", self.app).act(partial(self.dismiss, answer))
