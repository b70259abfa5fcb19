"""What is configured and where each value comes from, secrets masked; and what the doctor finds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from clickstream.domain.errors import ClickstreamError
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.drawing.text import clock
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.findings import Findings
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.config.check import Check
    from clickstream.actions.config.show import Variable
    from clickstream.actions.observe.model import Frame
    from clickstream.config.settings import Settings

COLUMNS = (Column("variable"), Column("value"), Column("from"))

SOURCE_STYLES = {"default": DIM, "embedded": "", ".env": ACCENT, "environment": ACCENT}
"""What somebody has set stands out."""

NO_VALUE = "–"


class SettingsScreen(FilteredScreen):
    """The settings."""

    CSS = """
    SettingsScreen #panes { layout: vertical; height: 1fr; }
    SettingsScreen #list { height: 3fr; width: 1fr; }
    SettingsScreen Findings { height: 2fr; min-height: 6; }
    SettingsScreen.-short #list { height: 1fr; }
    SettingsScreen.-short Findings { height: 1fr; }
    SettingsScreen.-wide #panes { layout: horizontal; }
    SettingsScreen.-wide #list { height: 1fr; width: 5fr; }
    SettingsScreen.-wide Findings { height: 1fr; width: 4fr; }
    """
    AUTO_FOCUS = FILTERED = "#settings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "check", "check again", tooltip="try everything anew (config check)", id="settings.check"),
    ]

    class Checked(Message):
        """What the doctor found, or why it could not look."""

        def __init__(self, settings: Settings, checks: list[Check], error: str = "") -> None:
            super().__init__()
            self.settings = settings
            self.checks = checks
            self.error = error

    def __init__(self) -> None:
        super().__init__()
        self._shown_for: Settings | None = None
        self._checking = False

    def body(self) -> ComposeResult:
        with Container(id="panes"):
            with Container(id="list"):
                yield RowTable(COLUMNS, title="settings", classes="box", id="settings")
                yield FilterBar()
            yield Findings(classes="box", id="doctor")

    def show(self, frame: Frame) -> None:
        settings = self.dashboard.source.settings
        if settings is self._shown_for:
            return
        from clickstream.actions.config.show import show

        self._shown_for = settings
        self.query_one(RowTable).put({one.name: _cells(one) for one in show(settings)})
        self.action_check()

    def on_settings_screen_checked(self, message: Checked) -> None:
        self._checking = False
        if message.settings is not self._shown_for:  # they have changed meanwhile
            self.action_check()
            return
        findings = self.query_one(Findings)
        if message.error:
            findings.fail(message.error)
        else:
            findings.show(message.checks, clock(self.dashboard.frame.at) if self.dashboard.frame else "")
        self.refresh_bindings()

    def action_check(self) -> None:
        if self._checking:
            return
        self._checking = True
        self.query_one(Findings).wait()
        self.refresh_bindings()
        settings = self.dashboard.source.settings
        threading.Thread(target=self._check, args=(settings,), name="doctor", daemon=True).start()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "check":
            return not self._checking
        return super().check_action(action, parameters)

    def _check(self, settings: Settings) -> None:
        from clickstream.actions.config import check as config_check

        try:
            self.post_message(self.Checked(settings, config_check.check(settings)))
        except (ClickstreamError, OSError) as error:
            self.post_message(self.Checked(settings, [], str(error)))


def _cells(variable: Variable) -> tuple[Cell, ...]:
    from clickstream.domain.harmless import harmless

    value = harmless(variable.value or "")
    return (
        Cell(variable.name, variable.name),
        Cell(value or NO_VALUE, value, "" if value else DIM),
        Cell(variable.source, variable.source, SOURCE_STYLES.get(variable.source, "")),
    )
