"""A paste starts, stops, deletes and confirms nothing, whatever keys it holds; one key alone does what it says.

Keys that come together are those of an app whose `quiet` is an hour: then all are one burst, however long a test takes.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from clickstream.tui.app import ClickstreamApp
from clickstream.tui.bursts import NOTICE, QUIET
from clickstream.tui.jobs import Job, Jobs
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.screens.dialog import Dialog
from clickstream.tui.screens.edit import EditScreen
from clickstream.tui.screens.prompt import PromptScreen
from tests.tui import frames
from tests.tui.driving import MakeApp, driven, notices, until_idle
from tests.tui.test_keys import bindings, two_of_three
from tests.waiting import read_until, until

pytestmark = pytest.mark.usefixtures("answers")

HOUR = 3600.0

BURSTS = {
    "a command": ("d", "j"),
    "a choice, which asks": ("x", "down", "enter", "right", "enter"),
    "a name typed": ("colon", *"stack reset", "down", "enter", *"reset", "enter"),
    "a reject sent again": ("5", "r", "j"),
    "the end": ("q", "j"),
}

MORE_BURSTS = {
    "a command that changes nothing": ("v", "j"),
    "a menu's first choice": ("x", "enter"),
    "a start": ("s", "enter"),
    "a fault": ("K", "enter"),
    "the palette": ("colon", *"demo", "down", "enter"),
    "a text asked for": ("2", "P", *"full", "enter"),
    "a worker's kill": ("2", "end", "K", "j"),
    "a worker's stop, which asks": ("2", "x", "right", "enter"),
    "one more": ("2", "plus", "j"),
    "a held key": ("2", "plus", "plus"),
    "a reject removed": ("5", "x", "right", "enter"),
    "a benchmark": ("8", "b", "right", "enter"),
    "the other end": ("ctrl+q", "j"),
    "a picture": ("colon", *"screenshot", "down", "enter"),
}


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done."""
    done: list[str] = []
    monkeypatch.setattr(Jobs, "start", lambda _jobs, command, _arguments: done.append(command.name))
    monkeypatch.setattr(Job, "cancel", lambda job: done.append(f"cancel {job.command.name}"))
    monkeypatch.setattr(ClickstreamApp, "exit", lambda _app: done.append("exit"))
    monkeypatch.setattr(ClickstreamApp, "deliver_screenshot", lambda _app: done.append("screenshot"))
    return done


async def bursting(app: ClickstreamApp, *keys: str, at_once: bool = False, wanted: list[str] | None = None) -> bool:
    """These keys, each with all that it causes, or before it, until something has come of them where that is `wanted`;
    whether a dialog is left open, for the next Enter."""
    async with app.run_test(size=(120, 40)) as pilot:
        await until_idle(pilot)
        for key in keys:
            if at_once:
                app.post_message(Key(key, key if len(key) == 1 else None))
            else:
                await pilot.press(key)
        await until_idle(pilot)
        if wanted is not None:
            await until(pilot, lambda: wanted, "an effect")
        return isinstance(app.screen, Dialog)


@pytest.mark.parametrize(
    "quiet", [pytest.param(0, id="typed", marks=pytest.mark.slow), pytest.param(HOUR, id="pasted")]
)
@pytest.mark.parametrize(
    "keys",
    [
        *(pytest.param(keys, id=name) for name, keys in BURSTS.items()),
        *(pytest.param(keys, id=name, marks=pytest.mark.slow) for name, keys in MORE_BURSTS.items()),
    ],
)
def test_a_burst_starts_stops_and_confirms_nothing(
    make_app: MakeApp, effects: list[str], keys: tuple[str, ...], quiet: float
) -> None:
    app = make_app(two_of_three(), quiet=quiet)
    left_open = asyncio.run(bursting(app, *keys, wanted=None if quiet else effects))
    assert notices(app).count(("warning", NOTICE)) == bool(quiet)
    if quiet:  # without it all of them do something
        assert not left_open
        assert effects == []


@pytest.mark.parametrize("end", ["enter", "escape"])
@pytest.mark.parametrize(
    "opened_by",
    [
        "colon",
        "x",
        *(
            pytest.param(keys, marks=pytest.mark.slow)
            for keys in ("question_mark", "K", "2 P", "5 m", "5 x", "8 b", "4 slash", "6 p", "colon t h e m e enter")
        ),
    ],
)
def test_what_closes_a_dialog_closes_nothing_else(
    make_app: MakeApp, effects: list[str], opened_by: str, end: str
) -> None:
    """A second key reaches it after it was closed."""
    app = make_app(two_of_three())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*opened_by.split())
        await until_idle(pilot)
        for _ in range(3):
            app.post_message(Key(end, None))
        await until_idle(pilot)
        assert isinstance(app.screen_stack[0], DashboardScreen)

    driven(app, steps)


@pytest.mark.slow
def test_no_burst_of_any_keys_has_an_effect(make_app: MakeApp, effects: list[str]) -> None:
    keys = sorted({key for _, key, _ in bindings()} | set("demo reset 3"))

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.sampled_from(keys), min_size=12, max_size=20), st.booleans())
    def burst(drawn: list[str], at_once: bool) -> None:
        assert not asyncio.run(bursting(make_app(two_of_three(), quiet=HOUR), *drawn, at_once=at_once))
        assert effects == []

    burst()


def test_one_key_alone_does_what_it_says(make_app: MakeApp, effects: list[str]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await until(pilot, lambda: effects == ["demo"], "the demo")

    driven(make_app(frames.empty(), quiet=QUIET), steps)


def test_reading_keys_are_not_held_back(make_app: MakeApp, effects: list[str]) -> None:
    app = make_app(frames.running(), quiet=HOUR)
    asyncio.run(bursting(app, "1", "3", "2", "j", "j", "j", "slash", *"kaf"))
    assert app.current_mode == "workers"
    assert effects == []
    assert notices(app) == []


def test_a_text_may_be_pasted_where_one_is_asked_for(make_app: MakeApp, effects: list[str]) -> None:
    app = make_app(two_of_three(), quiet=HOUR)

    async def steps(pilot: Pilot[None]) -> None:
        app.run_command("producer pace")
        fed(app, "\x1b[200~5x\r\nsecond line\x1b[201~\r")
        await until_idle(pilot)
        assert isinstance(app.screen, PromptScreen), "Enter out of a paste answers nothing"
        assert app.screen.query_one(Input).value == "5x", "and nothing that was typed is lost"

    driven(app, steps)
    assert effects == []


def test_what_was_edited_is_not_lost_to_a_burst(make_app: MakeApp, effects: list[str]) -> None:
    app = make_app(frames.running(), quiet=HOUR)

    async def steps(pilot: Pilot[None]) -> None:
        app.action_mode("rejects")
        await until_idle(pilot)
        app.screen.action_edit_selected()  # type: ignore[attr-defined]
        await until_idle(pilot)
        text = app.screen.query_one(TextArea)
        text.text = text.text.replace("buy", "view")
        await until_idle(pilot)
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, EditScreen)

    driven(app, steps)
    assert effects == []


def fed(app: ClickstreamApp, data: str) -> None:
    """What the terminal sends, by the parser that the driver has. The framework has no public way in but a terminal."""
    driver = app._driver  # noqa: SLF001
    assert driver is not None
    for message in XTermParser().feed(data):
        message.set_sender(app)
        driver.send_message(message)


@pytest.mark.parametrize(
    "data",
    [
        "\x1b[200~text\x1b[201~d\x1b[201~",
        "\x1b[200~\x1b[201~d\x1b[201~",
        "\x1b[200~\x1bd\x1b[201~",
        "dy\r",
        "\x1b[100u\x1b[121u",  # d and y, as newer terminals send them
    ],
)
def test_a_paste_that_ends_itself_is_a_burst(make_app: MakeApp, effects: list[str], data: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        fed(pilot.app, data)  # type: ignore[arg-type]
        await until_idle(pilot)

    driven(make_app(two_of_three(), quiet=HOUR), steps)
    assert effects == []


@pytest.mark.parametrize("quiet", [0, HOUR], ids=["clicked", "pasted"])
def test_a_paste_may_hold_clicks(make_app: MakeApp, effects: list[str], quiet: float) -> None:
    app = make_app(two_of_three(), quiet=quiet)

    async def steps(pilot: Pilot[None]) -> None:
        app.screen.action_stop_menu()  # type: ignore[attr-defined]
        await until_idle(pilot)
        place = app.screen.query_one(OptionList).region
        x, y = place.x + 4, place.y + 2
        fed(app, f"\x1b[200~text\x1b[201~\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m\x1b[201~")
        await until_idle(pilot)

    driven(app, steps)
    assert effects == ([] if quiet else ["producer stop"])


APP = """
from pathlib import Path
from clickstream.tui.app import ClickstreamApp
from tests.tui import frames

def start(app, command, arguments):
    with Path("started").open("a") as file:
        file.write(command.name + "\\n")
    app.notify("it has begun: " + command.name)

ClickstreamApp.start_job = start
ClickstreamApp(frames.FakeSource(frames.running())).run()
"""


class Terminal:
    """The app's other side: what it has drawn so far, and what it is sent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, data: str) -> None:
        os.write(self._descriptor, data.encode())

    def shows(self, words: str) -> None:
        """Wait until these words are drawn, from now on."""
        read_until(self._descriptor, words)


@contextmanager
def on_a_terminal() -> Iterator[Terminal]:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, b"\x28\x00\x78\x00" + bytes(4))
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
    with subprocess.Popen(
        [sys.executable, "-c", APP], stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    ) as process:
        os.close(its)
        try:
            yield Terminal(ours)
        finally:
            process.kill()
            with suppress(OSError):
                os.close(ours)


def test_on_a_real_terminal_a_key_starts_the_demo_and_a_paste_does_not() -> None:
    with on_a_terminal() as terminal:
        terminal.shows("k/s stored")
        terminal.send("d")
        terminal.shows("begun: demo")
        terminal.send("\x1b[200~echo hello\x1b[201~dy\rs\rx\x1b[B\r\x1b[C\rK\r:stack reset\x1b[B\rreset\rq\x1b[201~")
        terminal.shows("That looked like a paste")
    assert Path("started").read_text() == "demo\n"
