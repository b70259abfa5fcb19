"""The menu of faults: which can be injected now, each with its sentence, and the end of those that last.

Injects nothing: the chosen fault is run as a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.actions.faults.catalogue import (
    ALL_FAULTS,
    BURST,
    CONSUMER,
    KILL_SUPERVISOR,
    WORKERS,
    Fault,
)
from clickstream.tui.screens.choose import Choice, ChooseScreen

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, ProcessRow
    from clickstream.tui.screens.dashboard import Dashboard

TITLE = "break something"

ALIVE = {"starting", "running"}


def open_menu(app: Dashboard) -> None:
    """Show the menu; what is chosen is injected at once."""
    frame = app.frame
    if frame is None:
        return
    choices = choices_of(frame)
    if not choices:
        app.notify("There is nothing to break now: start the stack and a consumer.")
        return

    def chosen(id_: str | None) -> None:
        if id_ is not None:
            command, _, name = id_.partition(":")
            app.run_command(command, {"name": name})

    app.show_dialog(ChooseScreen(TITLE, choices), chosen)


def choices_of(frame: Frame) -> list[Choice]:
    """What can be broken now; and what hangs, to let it go on."""
    living = [row for row in frame.processes if row.local and row.state in ALIVE]
    if not frame.embedded or not any(row.role == CONSUMER for row in living):
        return []
    held = {_held(row.name): row.name for row in living if row.name.startswith("fault-")}
    offered = [fault for fault in ALL_FAULTS if _offered(fault, living) and fault.name not in held]
    ending = [Choice(f"worker stop:{name}", f"end {fault}", "take it back now") for fault, name in held.items()]
    return [*ending, *(_choice(fault) for fault in offered), *_by_hand(living)]


def _held(minder: str) -> str:
    """The fault that this process holds: a cut is the stop of a relay."""
    name = minder.removeprefix("fault-")
    return name.removesuffix("-relay").replace("stop-", "cut-", 1) if name.endswith("-relay") else name


def _by_hand(living: list[ProcessRow]) -> list[Choice]:
    """What lasts until it is ended."""
    servers = [row.name for row in living if row.role == "server"]
    return [
        *(Choice(f"worker freeze:{name}", f"freeze {name} for good", "until it is let go on") for name in servers),
        *(Choice(f"worker thaw:{name}", f"let {name} go on", "after such a freeze") for name in servers),
    ]


def _choice(fault: Fault) -> Choice:
    lasts = f", for {fault.seconds:g} s" if fault.seconds else ""
    return Choice(f"faults inject:{fault.name}", fault.name + lasts, fault.sentence)


def _offered(fault: Fault, living: list[ProcessRow]) -> bool:
    if fault.unavailable:
        return False
    if fault.kind in {BURST, KILL_SUPERVISOR}:
        return True
    if fault.target in WORKERS:
        return any(row.role == fault.target for row in living)
    return any(row.name == fault.target for row in living)
