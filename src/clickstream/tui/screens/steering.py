"""The keys that start, stop and break the pipeline, the same on every screen that has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual.binding import Binding, BindingType

from clickstream.actions.observe.model import UP
from clickstream.tui.commands import BY_NAME
from clickstream.tui.drawing.headline import nothing_runs
from clickstream.tui.screens.choose import Choice, ChooseScreen
from clickstream.tui.screens.faults import open_menu

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.screens.dashboard import Dashboard

STEERING: tuple[BindingType, ...] = (
    Binding("s", "start_menu", "start", tooltip="start the stack, the consumers or the producer", id="start"),
    Binding("x", "stop_menu", "stop", tooltip="stop the producer, the consumers or everything", id="stop"),
    Binding("K", "break_menu", "break", tooltip="a menu of faults to try", id="break"),
)

CHANGING = {"start_menu", "stop_menu", "break_menu"}
"""Actions that read-only mode drops."""

ALIVE = {"starting", "running"}


class SteeringKeys:
    """Mixed into a DashboardScreen."""

    def action_start_menu(self) -> None:
        """What can be started now, the most useful first; where nothing runs, the stack starts at once."""
        app = _app(self)
        frame = app.frame
        if frame is None:
            return
        if nothing_runs(frame) and frame.embedded:
            app.run_command("stack up")
            return
        _choose(app, "start", [_choice(name) for name in startable(frame)], app.run_command)

    def action_stop_menu(self) -> None:
        app = _app(self)
        if app.frame is None:
            return
        _choose(app, "stop", [_choice(name) for name in stoppable(app.frame)], app.run_command)

    def action_break_menu(self) -> None:
        open_menu(_app(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in CHANGING:
            return not _app(self).read_only
        return True


def startable(frame: Frame) -> list[str]:
    """Names of commands, the most useful one first."""
    up = all(frame.service(name).state == UP for name in ("kafka", "postgresql", "valkey"))
    names = [] if up or not frame.embedded else ["stack up"]
    if not up:
        return names
    consumers = [row for row in frame.workers("consumer") if row.state in ALIVE]
    producing = any(row.state in ALIVE for row in frame.workers("producer"))
    if len(consumers) < max(1, len(frame.partitions)):
        names.append("consumer start")
    if not producing:
        names += ["producer start", "demo"]
    return names


def stoppable(frame: Frame) -> list[str]:
    names = []
    if any(row.state in ALIVE for row in frame.workers("producer")):
        names.append("producer stop")
    if any(row.state in ALIVE and row.local for row in frame.workers("consumer")):
        names.append("consumer stop")
    if frame.supervisor:
        names.append("stack down")
    return names


def _choice(name: str) -> Choice:
    return Choice(name, name, BY_NAME[name].summary)


def _choose(app: Dashboard, title: str, choices: list[Choice], then: Callable[[str], Any]) -> None:
    if not choices:
        app.notify(f"There is nothing to {title.partition(' ')[0]} now.")
        return

    def chosen(id_: str | None) -> None:
        if id_ is not None:
            then(id_)

    app.show_dialog(ChooseScreen(title, choices), chosen)


def _app(screen: object) -> Dashboard:
    return cast("Dashboard", cast("Any", screen).app)
