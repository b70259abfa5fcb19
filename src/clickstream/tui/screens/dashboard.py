"""What screens and the palette need of the app. The app imports them, so that they cannot import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from clickstream.tui.screens.dialog import Answer, Dialog, Guard

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.config.settings import Settings
    from clickstream.tui.commands import ScreenCommand
    from clickstream.tui.jobs import Job


class Dashboard(Guard, Protocol):
    """The app, as its screens see it."""

    @property
    def frame(self) -> Frame | None:
        """The newest frame."""

    @property
    def job(self) -> Job | None:
        """What runs now."""

    @property
    def settings(self) -> Settings:
        """The settings of now."""

    @property
    def read_only(self) -> bool:
        """Whether what changes something is not offered."""

    def offers(self, command: ScreenCommand) -> bool: ...

    def run_command(self, name: str, arguments: dict[str, Any] | None = None, *, warning: str = "") -> None: ...

    def show_dialog(self, dialog: Dialog[Answer], answered: Callable[[Answer | None], None]) -> None: ...

    def notify(self, message: str) -> None: ...
