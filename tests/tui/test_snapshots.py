"""Pictures of Overview and Workers, of what lies over them, and of the states that matter.

After a change that was meant: `pytest tests/tui --snapshot-update`, and look at every picture that changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui import frames
from tests.tui.conftest import SIZES, MakeApp, pressing


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize("state", list(frames.STATES))
def test_overview(snap_compare: Any, make_app: MakeApp, state: str, size: str) -> None:
    assert snap_compare(make_app(frames.STATES[state]()), terminal_size=SIZES[size], run_before=pressing())


def test_overview_uses_the_room(snap_compare: Any, make_app: MakeApp) -> None:
    assert snap_compare(make_app(frames.worker_dead()), terminal_size=SIZES["200x50"], run_before=pressing())


@pytest.mark.parametrize("size", list(SIZES))
def test_workers(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    run = pressing("2", *["down"] * 5)
    assert snap_compare(make_app(frames.worker_dead()), terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("state", ["empty", "service_gone"])
def test_workers_in_other_states(snap_compare: Any, make_app: MakeApp, state: str) -> None:
    run = pressing("2", *["down"] * 4)
    assert snap_compare(make_app(frames.STATES[state]()), terminal_size=SIZES["120x40"], run_before=run)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_workers_filtered(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    run = pressing("2", "slash", *"cons")
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize(
    "keys",
    [("question_mark",), ("K",), ("x", "down", "enter"), ("2", "P")],
    ids=["help", "faults", "confirm", "prompt"],
)
def test_dialogs(snap_compare: Any, make_app: MakeApp, keys: tuple[str, ...], size: str) -> None:
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES[size], run_before=pressing(*keys))


def test_typed_confirmation(snap_compare: Any, make_app: MakeApp) -> None:
    app = make_app(frames.running())

    async def ask(pilot: Any) -> None:
        await pressing()(pilot)
        app.run_command("data reset")
        await pressing(*"res")(pilot)

    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=ask)


def test_read_only(snap_compare: Any, make_app: MakeApp) -> None:
    run = pressing("2")
    assert snap_compare(make_app(frames.running(), read_only=True), terminal_size=SIZES["120x40"], run_before=run)


def test_too_small(snap_compare: Any, make_app: MakeApp) -> None:
    assert snap_compare(make_app(frames.running()), terminal_size=(50, 12), run_before=pressing())
