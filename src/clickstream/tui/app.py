"""The app: its modes and themes, and what arrives from threads: frames and jobs. Draws nothing itself."""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from platformdirs import user_downloads_path
from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from clickstream.actions.catalogue import Weight
from clickstream.actions.observe.model import BAD, JournalEntry
from clickstream.domain.escapes import escape_controls
from clickstream.tui.bursts import QUIET
from clickstream.tui.commands import BY_NAME, ScreenCommand, command_binding
from clickstream.tui.feed import Feed, FeedFailed, FrameArrived, FrameSource
from clickstream.tui.jobs import Job, JobEnded, JobMoved, Jobs
from clickstream.tui.palette import CommandProvider
from clickstream.tui.paste_guard import PasteGuard
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.screens.faults import open_menu
from clickstream.tui.screens.help import HelpScreen
from clickstream.tui.screens.prompt import PromptScreen
from clickstream.tui.themes import DARK, LIGHT

if TYPE_CHECKING:
    from clickstream.actions.demo.run import DemoOptions
    from clickstream.actions.observe.model import Frame
    from clickstream.config.settings import Settings

MODE_NAMES = ("overview", "workers", "partitions", "funnel", "rejects", "logs", "settings", "benchmark", "search")
"""In the order of their number keys."""


def _screen(mode: str) -> Screen[Any]:
    """The screen of a mode; its module loads when it is first opened."""
    module = import_module(f"clickstream.tui.screens.{mode}")
    return cast("Screen[Any]", getattr(module, f"{mode.capitalize()}Screen")())


def mode_bindings() -> list[BindingType]:
    return [
        Binding(str(number), f"mode({name!r})", name, tooltip=f"the {name} screen", id=f"mode.{name}")
        for number, name in enumerate(MODE_NAMES, start=1)
    ]


class ClickstreamApp(PasteGuard, App[None]):
    """The dashboard."""

    TITLE = "clickstream"
    CSS_PATH = "theme.tcss"
    MODES: ClassVar[dict[str, Any]] = {name: partial(_screen, name) for name in MODE_NAMES}
    DEFAULT_MODE = "overview"
    COMMANDS = App.COMMANDS | {CommandProvider}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        *mode_bindings(),
        command_binding("d", "demo"),
        command_binding("v", "verify"),
        Binding(
            "colon", "command_palette", "commands", key_display=":", tooltip="every command, by name", id="palette"
        ),
        Binding("question_mark", "help", "help", key_display="?", tooltip="every key that works now", id="help"),
        Binding("escape", "cancel_job", "cancel", tooltip="cancel what runs, after a question", id="cancel"),
        Binding("q", "leave", "quit", tooltip="leave; the pipeline goes on running", id="quit"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True, tooltip="leave; the pipeline goes on running"),
    ]

    frame: reactive[Frame | None] = reactive(None, init=False, repaint=False)
    """The newest frame."""
    job: reactive[Job | None] = reactive(None, init=False, always_update=True, repaint=False)
    """What runs now, for the status line."""

    def __init__(
        self,
        source: FrameSource,
        *,
        demo: DemoOptions | None = None,
        read_only: bool = False,
        quiet: float = QUIET,
    ) -> None:
        super().__init__()
        self.source = source
        self.read_only = read_only
        self._demo = demo
        self._feed = Feed(source, self.post_message)
        self.jobs = Jobs(source, self.post_message)
        """What runs; started by `start_job`."""
        self.guard(quiet)
        self.last_words = ""
        """What the terminal is told when the dashboard has closed: how the demo went."""
        self.demo_failed = False

    def on_mount(self) -> None:
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        # SIGTERM gives the terminal back, as `q` does.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.call_after_refresh(self._feed.start)
        if self._demo is not None:
            self.run_command("demo", {"options": self._demo})  # no key has started it: the guard lets it pass

    def on_unmount(self) -> None:
        self._feed.stop()

    def on_frame_arrived(self, message: FrameArrived) -> None:
        self.frame = message.frame

    def on_feed_failed(self, message: FeedFailed) -> None:
        self.notify(f"no more frames: {message.error}", severity="error", timeout=60, markup=False)

    def watch_frame(self, frame: Frame | None) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DashboardScreen) and frame is not None:
                screen.receive(frame)

    def on_job_moved(self, message: JobMoved) -> None:
        self.job = self.jobs.newest

    def on_job_ended(self, message: JobEnded) -> None:
        job = message.job
        self.jobs.ended(job)
        if job.command.name == "demo":
            self.last_words = job.outcome
            self.demo_failed = job.failed
        self.job = self.jobs.newest
        if job.failed:
            self.source.publish([JournalEntry(time.time(), BAD, job.outcome, mark=True)])
        self.notify(
            escape_controls(job.outcome, lines=True),
            severity="error" if job.failed else "information",
            timeout=15 if job.failed else 6,
            markup=False,
        )
        self.refresh_bindings()

    def watch_job(self, job: Job | None) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DashboardScreen):
                screen.show_job(job)

    def _fatal_error(self) -> None:
        """A fault of ours ends the app: say where, without the values of variables, which the framework would show."""
        self.panic(Text(escape_controls(traceback.format_exc().rstrip(), lines=True)))

    @property
    def settings(self) -> Settings:
        """The settings of now."""
        return self.source.settings

    def offers(self, command: ScreenCommand) -> bool:
        """Whether the command may be used at all in this session."""
        return not (self.read_only and command.changes)

    def run_command(self, name: str, arguments: dict[str, Any] | None = None, *, warning: str = "") -> None:
        """Do what the command does: open its screen, ask first where it changes much, run it as a job."""
        command = BY_NAME[name]
        if not self.offers(command):
            self.notify(f"{name}: this is a read-only session", severity="warning")
            return
        if command.opens:
            self.action_mode(command.opens)
        if command.run is None:
            return
        if command.menu and not arguments:
            open_menu(self)
            return
        if command.prompt and not arguments:
            self._ask_text(command)
            return
        question = warning or command.warning
        if command.weight is Weight.LIGHT and not warning:
            self.act(partial(self.start_job, command, arguments or {}))
            return
        typed = name.rpartition(" ")[2] if command.weight is Weight.TYPE else ""

        def answered(yes: bool | None) -> None:
            if yes:
                self.act(partial(self.start_job, command, arguments or {}))

        self.show_dialog(ConfirmScreen(name, question, typed=typed), answered)

    def action_command(self, name: str) -> None:
        self.run_command(name)

    def action_mode(self, name: str) -> None:
        if self.current_mode != name:
            self.switch_mode(name)

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.screen))

    def action_cancel_job(self) -> None:
        job = self.jobs.newest
        if job is None or job.cancelled:
            return

        def cancel() -> None:
            job.cancel()
            self.job = self.jobs.newest

        def answered(yes: bool | None) -> None:
            if yes:
                self.act(cancel)

        question = f"{job.words}\n\nIt ends at its next step; nothing half-made is left behind."
        self.show_dialog(ConfirmScreen(f"cancel {job.command.name}", question, yes="Cancel it", no="Go on"), answered)

    def action_help_quit(self) -> None:
        """What ctrl+c does."""
        self.notify("q leaves; the pipeline goes on running.")

    def action_leave(self) -> None:
        job = self.jobs.newest
        if job is None:
            self.act(self.exit)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.act(self.exit)

        question = (
            f"{job.command.name} is under way and ends with this window. Processes that it started go on running."
        )
        self.show_dialog(ConfirmScreen("quit", question, yes="Quit", no="Stay"), answered)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "command" and parameters:
            return self.offers(BY_NAME[str(parameters[0])])
        if action == "cancel_job":
            return self.jobs.newest is not None and self.jobs.newest.command.cancellable
        if action in {"mode", "help", "cancel_job", "leave"}:
            return isinstance(self.screen, DashboardScreen) or action == "leave"
        return True

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for command in super().get_system_commands(screen):
            if command.title == "Theme":  # keys and quit have keys of their own here
                yield command
            elif command.title == "Screenshot":  # makes a file
                yield command._replace(callback=partial(self.act, command.callback))
        for name in MODE_NAMES:
            yield SystemCommand(f"screen {name}", f"the {name} screen", lambda name=name: self.action_mode(name))

    def deliver_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None
    ) -> str | None:
        """Save it to the folder of downloads, or to the working folder where there is none, as on a server."""
        if path is None and not user_downloads_path().is_dir():
            path = "."
        return super().deliver_screenshot(filename, path, time_format)

    def _ask_text(self, command: ScreenCommand) -> None:
        def answered(text: str | None) -> None:
            if text:
                self.run_command(command.name, {"text": text})

        self.show_dialog(PromptScreen(command.name, command.prompt), answered)

    def start_job(self, command: ScreenCommand, arguments: dict[str, Any]) -> None:
        """Run the command as a job, without a question."""
        job = self.jobs.start(command, arguments)
        if job is None:
            self.notify(f"{command.name} is running already", severity="warning")
            return
        self.job = job
        self.refresh_bindings()
