"""The settings with the source of each value, secrets masked; and the doctor's findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from clickstream.tui.background import BackgroundQuery
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
"""What was set stands out."""

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
        Binding("r", "check", "check again", tooltip="try everything again (config check)", id="settings.check"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown_for: Settings | None = None
        self._checked: Settings | None = None
        """The settings that were last checked."""
        self._doctor: BackgroundQuery[list[Check]] = BackgroundQuery(self, self._show_checks)

    def body(self) -> ComposeResult:
        with Container(id="panes"):
            with Container(id="list"):
                yield RowTable(COLUMNS, title="settings", classes="box", id="settings")
                yield FilterBar()
            yield Findings(classes="box", id="doctor")

    def show(self, frame: Frame) -> None:
        settings = self.dashboard.settings
        if settings is self._shown_for:
            return
        from clickstream.actions.config.show import show

        self._shown_for = settings
        self.query_one(RowTable).put({one.name: _cells(one) for one in show(settings)})
        self.action_check()

    def action_check(self) -> None:
        """Have the doctor look."""
        if self._doctor.asking_since is not None:
            return
        settings = self._checked = self.dashboard.settings

        def question() -> list[Check]:
            from clickstream.actions.config import check as config_check

            return config_check.check(settings)

        self._doctor.start(question, self.dashboard.frame.at if self.dashboard.frame is not None else 0.0)
        self.query_one(Findings).wait()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "check":
            return self._doctor.asking_since is None
        return super().check_action(action, parameters)

    def _show_checks(self) -> None:
        if self._checked is not self._shown_for:  # they have changed meanwhile
            self.action_check()
            return
        findings, found = self.query_one(Findings), self._doctor.figure
        if self._doctor.error:
            findings.fail(self._doctor.error)
        elif found is not None:
            findings.show(found.value, clock(self.dashboard.frame.at) if self.dashboard.frame else "")
        self.refresh_bindings()


def _cells(variable: Variable) -> tuple[Cell, ...]:
    from clickstream.domain.escapes import escape_controls

    value = escape_controls(variable.value or "")
    return (
        Cell(variable.name, variable.name),
        Cell(value or NO_VALUE, value, "" if value else DIM),
        Cell(variable.source, variable.source, SOURCE_STYLES.get(variable.source, "")),
    )
