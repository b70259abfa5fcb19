"""Every key: each binding of the app, of every screen and dialog, and of whatever on them can have the focus.

PLACES says of each what one sees when it is pressed. It is compared with the bindings that there are: a key without an
entry fails, and so does an entry without a key. Every entry is pressed.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandInput, CommandList, CommandPalette
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.widgets import Button, Input, OptionList, SelectionList, Static, TextArea

import clickstream.tui
from clickstream.actions.observe.model import Frame
from clickstream.tui.app import MODE_NAMES, ClickstreamApp
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.findings import Findings
from clickstream.tui.widgets.lag_chart import LagChart
from clickstream.tui.widgets.log_view import LogView
from clickstream.tui.widgets.payload_view import PayloadView
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames, funnel_figures, search_figures
from tests.tui.driving import HeldJob, MakeApp, notices, until_idle
from tests.tui.stand_ins import EVENT, Database, Doctor, write
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("answers")

FRAMEWORKS_OWN = (
    Button,
    OptionList,
    SelectionList,
    VerticalScroll,
    Input,
    TextArea,
    CommandPalette,
    CommandInput,
    CommandList,
)
"""The framework's widgets that are used as they are."""

EDITING = (Input, TextArea)
"""Their keys move in a text and change it, as everywhere: no entries for these."""


@dataclass(frozen=True)
class Key:
    """One key, and what one sees of it."""

    of: str
    """The class that has the binding."""
    key: str
    does: str
    seen: Callable[[Any], Any]
    """Is another after the key; given the app."""
    to: Any = None
    """What it is then; None: it need only be another."""
    before: tuple[Any, ...] = ()
    """Keys to press first, and functions to call with the app."""
    after: tuple[Any, ...] = ()
    waits: bool = True
    """Until all is answered; else something is kept waiting on purpose."""


def two_of_three() -> Frame:
    """As running, with one consumer stopped: one more can be started."""
    frame = frames.running()
    rows = tuple(
        replace(row, state="stopped", activity="", pid=None, partitions=()) if row.name == "consumer-2" else row
        for row in frame.processes
    )
    return replace(frame, processes=rows)


def paused() -> Frame:
    frame = two_of_three()
    rows = (replace(row, activity="paused") if row.role == "producer" else row for row in frame.processes)
    return replace(frame, processes=tuple(rows))


@dataclass(frozen=True)
class Place:
    """Where some keys are pressed one after the other."""

    keys: tuple[Key, ...]
    opened_by: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 40)
    frame: Callable[[], Frame] = two_of_three


def mode(app: Any) -> str:
    return str(app.current_mode)


def on_top(app: Any) -> str:
    return type(app.screen).__name__


def started(app: Any) -> Any:
    return app.started[-1] if app.started else None


def focus(app: Any) -> str:
    return app.focused.id or type(app.focused).__name__


def told(app: Any) -> int:
    return len(notices(app))


def row(app: Any) -> int:
    return int(app.screen.query(RowTable).first().cursor_row)


def rows(app: Any) -> list[str]:
    return [str(row.key.value) for row in app.screen.query(RowTable).first().ordered_rows]


def heads(app: Any) -> list[str]:
    return [str(column.label) for column in app.screen.query(RowTable).first().ordered_columns]


def scrolled(app: Any) -> tuple[int, int]:
    return round(app.focused.scroll_x), round(app.focused.scroll_y)


def help_scrolled(app: Any) -> float:
    return float(app.screen.query_one("#dialog").scroll_y)


def highlighted(app: Any) -> Any:
    return app.screen.query(OptionList).first().highlighted


def subtitle(widget: Any) -> Callable[[Any], str]:
    return lambda app: str(app.screen_stack[0].query(widget).first().border_subtitle)


def counting(app: Any) -> bool:
    return "cancels" in str(app.screen.query_one("#ordered").border_subtitle)


def opened(app: Any) -> bool:
    return bool(app.screen.has_class("-opened"))


def picked(app: Any) -> int:
    return len(app.screen.query_one(SelectionList).selected)


def sorted_by_name(app: Any) -> tuple[str, str]:
    return heads(app)[0], rows(app)[0]


def filter_open(app: Any) -> bool:
    return bool(app.screen.query_one(FilterBar).has_class("-open"))


def select_text(app: Any) -> None:
    app.screen.query(Static).first().text_select_all()


def copied(app: Any) -> str:
    return str(app.clipboard)


def clear_clipboard(app: Any) -> None:
    app.copy_to_clipboard("")


def run_a_job(app: Any) -> None:
    app.held_job.run(app, "demo")


def edit_text(app: Any) -> None:
    app.screen.query_one(TextArea).text = EVENT.decode()


def hold(app: Any) -> None:
    app.database.holds = threading.Event()


def hold_doctor(app: Any) -> None:
    app.doctor.may.clear()


def stop_following(app: Any) -> None:
    app.screen.query_one(LogView).follow(False)


DEMO, ESC = "ClickstreamApp", "escape"

PLACES = {
    "everywhere": Place(
        (
            *(Key(DEMO, str(n), f"the {name} screen", mode, name) for n, name in enumerate(MODE_NAMES, 1) if n > 1),
            Key(DEMO, "1", "the overview screen", mode, "overview"),
            Key(DEMO, "d", "runs a demo", started, ("demo", {})),
            Key(DEMO, "v", "verifies", started, ("verify", {})),
            Key(DEMO, "colon", "the palette opens", on_top, "CommandPalette", after=(ESC,)),
            Key(DEMO, "question_mark", "the help opens", on_top, "HelpScreen", after=(ESC,)),
            Key(DEMO, ESC, "a question whether to cancel", on_top, "ConfirmScreen", (run_a_job,), (ESC,)),
            Key(DEMO, "q", "leaves, after a question while a job runs", on_top, "ConfirmScreen", after=(ESC,)),
            Key(DEMO, "ctrl+q", "the same", on_top, "ConfirmScreen", after=(ESC,)),
            Key("App", "ctrl+c", "a notice says which key leaves", told),
            Key("Screen", "ctrl+c", "copies what is marked", copied, None, (select_text,)),
            Key("Screen", "super+c", "copies what is marked", copied, None, (clear_clipboard, select_text)),
        )
    ),
    "overview": Place(
        tuple(
            Key("OverviewScreen", key, f"a menu of what to {what}", on_top, "ChooseScreen", after=(ESC,))
            for key, what in (("s", "start"), ("x", "stop"), ("K", "break"))
        )
    ),
    "workers": Place(
        (
            Key("DataTable", "down", "the next row", row, 1),
            Key("DataTable", "up", "the row before", row, 0),
            Key("DataTable", "pagedown", "a page on", row, 6),
            Key("DataTable", "pageup", "a page back", row, 0),
            Key("DataTable", "ctrl+end", "the last row", row, 6),
            Key("DataTable", "ctrl+home", "the first row", row, 0),
            Key("RowTable", "end", "the last row", row, 6),
            Key("RowTable", "home", "the first row", row, 0),
            Key("RowTable", "G", "the last row", row, 6),
            Key("RowTable", "g", "the first row", row, 0),
            Key("RowTable", "greater_than_sign", "sorts by the next column", lambda app: heads(app)[0], "name↑"),
            Key("RowTable", "R", "turns the order round", sorted_by_name, ("name↓", "valkey")),
            Key("RowTable", "less_than_sign", "sorts by the column before", heads, None, after=(">", "R", "R")),
            Key("Screen", "tab", "the focus goes on", focus, "log"),
            Key("LogTail", "g", "the first line", scrolled, (0, 0)),
            Key("LogTail", "G", "the last line, and follows", scrolled, None),
            Key("Screen", "shift+tab", "the focus goes back", focus, "processes"),
            Key("WorkersScreen", "s", "a menu of what to start", on_top, "ChooseScreen", after=(ESC,)),
            Key("WorkersScreen", "x", "asks before a server stops", on_top, "ConfirmScreen", ("end",), (ESC,)),
            Key("WorkersScreen", "r", "restarts", started, ("worker restart", {"name": "consumer-0"}), ("g",)),
            Key("WorkersScreen", "K", "kills", started, ("worker kill", {"name": "consumer-0"})),
            Key("WorkersScreen", "plus", "one more", started, ("consumer scale", {"count": 3})),
            Key("WorkersScreen", "equals_sign", "one more", started, ("consumer scale", {"count": 3})),
            Key("WorkersScreen", "minus", "one fewer", started, ("consumer scale", {"count": 1})),
            Key("WorkersScreen", "P", "asks for a pace", on_top, "PromptScreen", after=(ESC,)),
            Key("WorkersScreen", "p", "pauses", started, ("producer pause", {})),
            Key(
                "WorkersScreen", "p", "resumes", started, ("producer resume", {}),
                (lambda app: setattr(app, "frame", paused()),),
            ),
            Key("FilteredScreen", "slash", "the filter opens", focus, "filter"),
            Key("FilterBar", "enter", "the filter is kept", focus, "processes", ("c", "o", "n", "s")),
            Key("FilteredScreen", ESC, "all rows again", lambda app: len(rows(app)), 7),
            Key("FilterBar", ESC, "no filter any more", filter_open, False, ("slash", "k")),
        ),
        ("2",),
    ),
    "partitions": Place(
        (Key("PartitionsScreen", "w", "another window", lambda app: app.screen.query_one(LagChart).border_title),),
        ("3",),
    ),
    "funnel": Place(
        (
            Key("FunnelScreen", "slash", "the look-up opens", on_top, "VisitorScreen"),
            Key("VisitorScreen", "slash", "another may be typed", focus, "visitor-id", (*"257597", "enter")),
            Key("VisitorScreen", ESC, "the funnel again", on_top, "FunnelScreen"),
            Key("FunnelScreen", "o", "counts", counting, True, (hold,), waits=False),
            Key("FunnelScreen", "o", "cancels", counting, False),
        ),
        ("4",),
    ),
    "rejects": Place(
        (
            Key("DataTable", "enter", "the payload alone", opened, True),
            Key("RejectsScreen", ESC, "the list again", opened, False),
            Key("RejectsScreen", "o", "the payload alone", opened, True, after=("o",)),
            Key("RejectsScreen", "h", "a hex dump", subtitle(PayloadView), "as a hex dump · h text"),
            Key("RejectsScreen", "r", "sends it again", started, ("rejects replay", {"ids": ["p1@412103"]})),
            Key("RejectsScreen", "x", "asks before it is removed", on_top, "ConfirmScreen", after=(ESC,)),
            Key("RejectsScreen", ESC, "all rows again", lambda app: len(rows(app)), 36, ("slash", *"csv", "enter")),
            Key("RejectsScreen", "m", "the editor opens", on_top, "EditScreen"),
            Key("EditScreen", ESC, "the list again", on_top, "RejectsScreen"),
            Key(
                "EditScreen", "ctrl+s", "sends what was corrected", started,
                ("rejects replay", {"ids": ["p1@412103"], "corrected": EVENT}), ("home", "m", edit_text),
            ),
        ),
        ("5",),
    ),
    "logs": Place(
        (
            *(
                Key(of, key, words, scrolled, None, (stop_following,))
                for of, key, words in (
                    ("LogView", "k", "a line up"), ("LogView", "j", "a line down"),
                    ("LogView", "b", "a page back"), ("LogView", "space", "a page on"),
                    ("ScrollableContainer", "up", "a line up"), ("ScrollableContainer", "down", "a line down"),
                    ("ScrollableContainer", "pageup", "a page up"), ("ScrollableContainer", "pagedown", "a page down"),
                    ("ScrollableContainer", "home", "the first line"), ("ScrollableContainer", "end", "the last line"),
                    ("ScrollableContainer", "right", "to the right"), ("ScrollableContainer", "left", "to the left"),
                    ("ScrollableContainer", "ctrl+pagedown", "a page to the right"),
                    ("ScrollableContainer", "ctrl+pageup", "a page to the left"),
                )
            ),
            Key("LogsScreen", "g", "the first line", scrolled, (0, 0)),
            Key("LogsScreen", "G", "the last line, and follows", subtitle(LogView), "following"),
            Key("LogsScreen", "f", "no longer follows", subtitle(LogView), ""),
            Key("LogsScreen", "l", "warnings and worse", subtitle(LogView), "warnings and worse", after=("l", "l")),
            Key("LogsScreen", "w", "breaks long lines", lambda app: app.focused.has_class("-wrap"), True, after=("w",)),
            Key("LogsScreen", "slash", "the search opens", focus, "filter"),
            Key("LogsScreen", "n", "the next that is found", subtitle(LogView), None, (*"line", "enter", "n")),
            Key("LogsScreen", "N", "the one before", subtitle(LogView), None),
            Key("LogsScreen", ESC, "ends the search", lambda app: app.focused.rows.needle, ""),
            Key("LogsScreen", "p", "a list of processes", on_top, "PickScreen"),
            Key("SelectionList", "space", "picks, or not", picked),
            Key("PickScreen", "a", "all or none", picked, 5),
            Key("PickScreen", "enter", "shows these", on_top, "LogsScreen"),
            Key("PickScreen", ESC, "leaves all as it was", on_top, "LogsScreen", ("p",)),
        ),
        ("6",),
    ),
    "settings": Place(
        (
            Key("DataTable", "right", "to the right", scrolled),
            Key("DataTable", "left", "to the left", scrolled),
            Key(
                "SettingsScreen", "r", "the doctor looks again",
                lambda app: "trying" in str(app.screen.query_one(Findings).query_one("#findings").render()), True,
                (hold_doctor,), (lambda app: app.doctor.may.set(),), waits=False,
            ),
        ),
        ("7",),
        (62, 18),
    ),
    "search": Place(
        (
            Key("SearchScreen", "slash", "a query may be typed", focus, "query"),
            Key("QueryBar", "enter", "searches", lambda app: app.index.queries[-1], "event:view", tuple("event:view")),
            Key("QueryBar", ESC, "leaves the query as it was", focus, "newest", ("slash", "x")),
        ),
        ("9",),
        frame=search_figures.searchable,
    ),
    "benchmark": Place(
        (Key("BenchmarkScreen", "b", "asks before it is run", on_top, "ConfirmScreen", after=(ESC,)),),
        ("8",),
    ),
    "help": Place(
        (
            Key("HelpScreen", "down", "a line down", help_scrolled),
            Key("HelpScreen", "up", "a line up", help_scrolled),
            Key("HelpScreen", "j", "a line down", help_scrolled),
            Key("HelpScreen", "k", "a line up", help_scrolled),
            *(
                Key("HelpScreen", key, "closes", on_top, "WorkersScreen", after=("question_mark",))
                for key in (ESC, "question_mark", "q")
            ),
        ),
        ("2", "question_mark"),
        (80, 18),
    ),
    "menus": Place(
        (
            Key("OptionList", "down", "the next", highlighted, 1),
            Key("OptionList", "up", "the one before", highlighted, 0),
            Key("OptionList", "end", "the last", highlighted),
            Key("OptionList", "home", "the first", highlighted, 0),
            Key("OptionList", "pagedown", "a page on", highlighted),
            Key("OptionList", "pageup", "a page back", highlighted, 0),
            Key("ChooseScreen", ESC, "leaves the menu", on_top, "OverviewScreen"),
            Key("OptionList", "enter", "chooses", started, ("producer stop", {}), ("x",)),
            Key("ConfirmScreen", "right", "the other button", focus, "yes", ("x", "down", "enter")),
            Key("ConfirmScreen", "left", "the other button", focus, "no"),
            Key("Button", "enter", "is pressed", on_top, "OverviewScreen"),
            Key("ConfirmScreen", ESC, "leaves all as it was", on_top, "OverviewScreen", ("x", "down", "enter")),
            Key("PromptScreen", ESC, "leaves all as it was", on_top, "WorkersScreen", ("2", "P"), ("1",)),
        ),
        ("x",),
    ),
    "palette": Place(
        (
            Key("CommandPalette", "down", "the next", highlighted),
            Key("CommandPalette", "up", "the one before", highlighted),
            Key("CommandPalette", "pagedown", "a page on", highlighted),
            Key("CommandPalette", "pageup", "a page back", highlighted),
            Key("CommandPalette", "ctrl+end", "the last", highlighted),
            Key("CommandPalette", "ctrl+home", "the first", highlighted),
            Key("CommandPalette", ESC, "closes", on_top, "OverviewScreen"),
        ),
        ("colon",),
    ),
}  # fmt: skip


def classes() -> set[type[DOMNode]]:
    """All of ours, and those of the framework that are used as they are."""
    found: set[type[DOMNode]] = {ClickstreamApp, *FRAMEWORKS_OWN}
    for module in pkgutil.walk_packages(clickstream.tui.__path__, "clickstream.tui."):
        members = vars(importlib.import_module(module.name)).values()
        ours = {one for one in members if isinstance(one, type) and one.__module__ == module.name}
        found |= {one for one in ours if issubclass(one, DOMNode)}
    return found


def bindings() -> Iterator[tuple[str, str, str]]:
    """Every binding that a user can meet: the class that has it, the key, and what it is bound to."""
    own = {
        cls: {(one.key, one.action) for one in Binding.make_bindings(cls.__dict__.get("BINDINGS", ()))}
        for concrete in classes()
        for cls in concrete.__mro__
    }
    for concrete in classes():
        merged = concrete._merge_bindings()  # noqa: SLF001 (what is public wants an app that runs)
        for one in (one for several in merged.key_to_bindings.values() for one in several):
            declared_by = next(cls for cls in concrete.__mro__ if (one.key, one.action) in own[cls])
            taken_by_its_field = declared_by is CommandPalette and one.key in {key for key, _ in own[Input]}
            if declared_by not in EDITING and not taken_by_its_field:
                yield declared_by.__name__, one.key, one.action


def test_every_key_has_an_entry_and_every_entry_is_a_key() -> None:
    there = Counter((of, key) for of, key, _ in set(bindings()))
    told = Counter((one.of, one.key) for place in PLACES.values() for one in place.keys)
    assert there == told


async def do(pilot: Any, *steps: Any, waits: bool = True) -> None:
    for step in steps:
        if callable(step):
            step(pilot.app)
        else:
            await pilot.press(step)
        if waits:
            await until_idle(pilot)
        else:
            await pilot.pause()


@pytest.mark.parametrize("name", PLACES)
def test_every_key_does_what_is_said(
    make_app: MakeApp,
    database: Database,
    doctor: Doctor,
    index: search_figures.Index,
    held_job: HeldJob,
    log_folder: Any,
    name: str,
) -> None:
    place, known = PLACES[name], classes()
    app: Any = funnel_figures.with_postgres(make_app(place.frame()))
    app.started, app.database, app.doctor, app.index, app.held_job = [], database, doctor, index, held_job
    app.start_job = lambda command, arguments: app.started.append((command.name, dict(arguments)))
    write(
        log_folder,
        "kafka" if name == "workers" else "valkey",
        [f"28954:M 29 May 2025 12:00:01.{n:03d} * line {n} {'x' * 300}" for n in range(200)],
    )

    async def run() -> None:
        async with app.run_test(size=place.size) as pilot:
            await until_idle(pilot)
            await do(pilot, *place.opened_by)
            if name == "logs":
                await until(pilot, lambda: len(app.screen.query_one(LogView).rows) > 200)
            for one in place.keys:
                app.started.clear()
                await do(pilot, *one.before)
                before = one.seen(app)
                await do(pilot, one.key, waits=one.waits)
                after, what = one.seen(app), f"{one.of} {one.key}: {one.does}"
                assert after != before, what
                assert one.to is None or after == one.to, what
                assert {type(widget) for widget in app.screen.focus_chain} <= known
                await do(pilot, *one.after, waits=one.waits)

    asyncio.run(run())
