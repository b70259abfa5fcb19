"""The dashboard's side of each command: the function that runs in its thread, and the screen with its answer.

Keys, palette and help are made from this list. The functions are in runners.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding

from clickstream.actions import catalogue
from clickstream.actions.catalogue import Weight
from clickstream.tui import runners as run

if TYPE_CHECKING:
    from clickstream.tui.jobs import Job


@dataclass(frozen=True, slots=True)
class ScreenCommand:
    """A command of the catalogue, and what a screen needs to offer it."""

    entry: catalogue.Command
    run: Callable[[Job], str] | None = None
    """In a thread; returns what came of it in a sentence. None: the screen `opens` is the answer."""
    opens: str = ""
    """The mode whose screen shows the answer; empty: a notice does."""
    cancellable: bool = False
    """It takes long, says how far it is, and ends in good order when it is cancelled."""
    prompt: str = ""
    """What to ask for, where it needs a text: its argument `text`."""
    menu: bool = False
    """The menu of faults comes first, where none was chosen yet."""
    selected: bool = False
    """It is about the selected worker, so that only a screen can start it."""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def summary(self) -> str:
        return self.entry.summary

    @property
    def changes(self) -> bool:
        return self.entry.changes

    @property
    def weight(self) -> Weight:
        return self.entry.weight

    @property
    def warning(self) -> str:
        return self.entry.warning


def _command(
    name: str,
    run: Callable[[Job], str] | None = None,
    opens: str = "",
    *,
    cancellable: bool = False,
    prompt: str = "",
    menu: bool = False,
    selected: bool = False,
) -> ScreenCommand:
    return ScreenCommand(catalogue.BY_NAME[name], run, opens, cancellable, prompt, menu, selected)


ALL: tuple[ScreenCommand, ...] = (
    _command("demo", run.demo, "overview", cancellable=True),
    _command("stack up", run.stack_up, cancellable=True),
    _command("stack down", run.stack_down),
    _command("stack status", opens="workers"),
    _command("stack env", opens="settings"),
    _command("stack reset", run.stack_reset),
    _command("status", opens="overview"),
    _command("lag", opens="partitions"),
    _command("analytics", opens="funnel"),
    _command("sessions show", opens="funnel"),
    _command("verify", run.verify, cancellable=True),
    _command("topic show", opens="partitions"),
    _command("topic resize", run.topic_resize, "partitions", prompt="How many partitions in all?"),
    _command("consumer start", run.consumer_start),
    _command("consumer stop", run.consumer_stop),
    _command("consumer restart", run.consumer_restart),
    _command("consumer scale", run.consumer_scale, prompt="How many consumers?"),
    _command(
        "consumer rewind",
        run.consumer_rewind,
        "partitions",
        prompt="Where to: earliest, latest, an offset, a time (2026-11-25T08:30) or Unix ms (1430622004384ms);"
        " with --partition N only that one:",
    ),
    _command("consumer list", opens="workers"),
    _command("consumer logs", opens="logs"),
    _command("producer start", run.producer_start),
    _command("producer stop", run.producer_stop),
    _command("producer pause", run.producer_pause),
    _command("producer resume", run.producer_resume),
    _command(
        "producer pace",
        run.producer_pace,
        prompt="Events a second (500), times as fast as it happened (5x), or full:",
    ),
    _command("producer status", opens="overview"),
    _command("producer logs", opens="logs"),
    _command("logs", opens="logs"),
    _command("data generate", run.data_generate, cancellable=True),
    _command("data info", run.data_info),
    _command("data reset", run.data_reset),
    _command("rejects list", opens="rejects"),
    _command("rejects show", opens="rejects"),
    _command("rejects replay", run.rejects_replay, "rejects", cancellable=True),
    _command("rejects discard", run.rejects_discard, "rejects"),
    _command("benchmark", run.benchmark, "benchmark", cancellable=True),
    _command("benchmark show", opens="benchmark"),
    _command("faults list", run.faults_inject, menu=True),
    _command("faults inject", run.faults_inject, "overview", cancellable=True, menu=True),
    _command("opensearch init", run.opensearch_init),
    _command("opensearch search", opens="search"),
    _command("config show", opens="settings"),
    _command("config check", opens="settings"),
    _command("worker stop", run.worker_stop, selected=True),
    _command("worker restart", run.worker_restart, selected=True),
    _command("worker kill", run.worker_kill, selected=True),
    _command("worker freeze", run.worker_freeze, selected=True),
    _command("worker thaw", run.worker_thaw, selected=True),
)

COMMANDS = tuple(command for command in ALL if not command.selected)
"""What the palette offers."""

BY_NAME = {command.name: command for command in ALL}


def command_binding(key: str, name: str, label: str = "", *, show: bool = True, priority: bool = False) -> Binding:
    """A key for a command. Its footer word is `label`, or the command's last word; its help is the summary."""
    command = BY_NAME[name]
    return Binding(
        key,
        f"app.command({name!r})",
        label or name.rpartition(" ")[2],
        show=show,
        tooltip=f"{command.summary} ({name})",
        id=f"command.{name.replace(' ', '-')}",
        priority=priority,
    )
