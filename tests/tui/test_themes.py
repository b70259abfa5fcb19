"""Our two themes and all others, no colours at all, and few of them: what is shown stays readable, states distinct."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rich.style import Style
from textual.color import Color
from textual.command import CommandList
from textual.pilot import Pilot

from clickstream.actions.observe.model import ASKING, DOWN, LAGGING, OFF, OK, STALLED, STOPPED, UP, Frame
from clickstream.tui.app import MODE_NAMES, ClickstreamApp
from clickstream.tui.themes import DARK, LIGHT
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames, funnel_figures
from tests.tui.driving import EVERY_SIZE, MakeApp, driven, strips, text_of, until_idle
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("answers")

LEAST_CONTRAST = 3.0
"""Of text and what is behind it; what is not data may be dim, and is so on purpose."""

SIGNS = set("●▲✖◌?")


def all_states() -> Frame:
    """Servers, processes and partitions in as many states as there are."""
    frame = frames.running()
    services = zip(frame.services, (UP, ASKING, DOWN, OFF), strict=True)
    processes = zip(
        frame.processes, ("running", "starting", "failed", "stopped", "running", "backoff", "stopping"), strict=True
    )
    partitions = (replace(frame.partitions[0], partition=n, state=state) for n, state in enumerate(PARTITION_STATES))
    return replace(
        frame,
        services=tuple(replace(row, state=state) for row, state in services),
        processes=tuple(replace(row, state=state) for row, state in processes),
        partitions=tuple(partitions),
    )


PARTITION_STATES = (OK, LAGGING, STALLED, STOPPED)


def pairs(app: ClickstreamApp) -> Iterator[tuple[str, float]]:
    """Pieces of text on the screen, each with the contrast to what is behind it."""
    for strip in strips(app):
        for text, style, _ in strip:
            if text.strip() and text.strip().isascii() and style is not None and style.color and style.bgcolor:
                yield text, contrast(style)


def contrast(style: Style) -> float:
    assert style.color
    assert style.bgcolor
    front, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = back.blend(front, 0.5)
    bright, dark = sorted((brightness(front), brightness(back)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def brightness(color: Color) -> float:
    """Relative luminance, as the Web's guidelines have it."""
    parts = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [DARK.name, pytest.param(LIGHT.name, marks=pytest.mark.slow)])
def test_text_stands_out_on_every_screen(make_app: MakeApp, theme: str) -> None:
    app = funnel_figures.with_postgres(make_app(all_states()))

    async def steps(pilot: Pilot[None]) -> None:
        app.theme = theme
        for mode in MODE_NAMES:
            app.action_mode(mode)
            await until_idle(pilot)
            await until_idle(pilot)
            faint = {(text.strip(), round(value, 1)) for text, value in pairs(app) if value < LEAST_CONTRAST}
            assert not faint, mode

    driven(app, steps)


def first_hit(app: ClickstreamApp) -> str:
    """What the palette would run on enter; empty while it searches."""
    hits = [found for found in app.screen.query(CommandList) if found.option_count]
    return str(hits[0].get_option_at_index(0).hit.text) if hits else ""


@pytest.mark.slow
@pytest.mark.parametrize("theme", [LIGHT.name, "textual-light"])
def test_the_palette_changes_the_theme_at_once(make_app: MakeApp, theme: str) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        assert app.theme == DARK.name
        await pilot.press("2")
        await until_idle(pilot)
        await pilot.press("colon", *"theme")
        await until(pilot, lambda: first_hit(app).lower().endswith("theme"), "the offer to choose a theme")
        await pilot.press("enter")
        await until(pilot, lambda: first_hit(app) and "theme" not in first_hit(app).lower(), "the themes")
        await pilot.press(*theme)
        await until(pilot, lambda: first_hit(app) == theme, "that theme")
        await pilot.press("enter")
        await until_idle(pilot)
        assert app.theme == theme
        state: Any = app.screen.query_one(RowTable).get_cell("kafka", "1")
        assert str(state.style) == app.theme_variables["success"]

    driven(app, steps)


@pytest.mark.slow
@pytest.mark.parametrize("size", EVERY_SIZE[:2])
def test_without_colours_states_are_told_by_sign_and_word(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(all_states())
    shown: dict[str, str] = {}

    async def steps(pilot: Pilot[None]) -> None:
        for mode in ("overview", "workers", "partitions", "settings"):
            app.action_mode(mode)
            await until_idle(pilot)
            if mode == "settings":
                await until(pilot, lambda: "● kafka" in text_of(app), "the doctor's answers")
            shown[mode] = text_of(app)
            for strip in strips(app):
                for filter_ in app.get_line_filters():
                    strip = strip.apply_filter(filter_, app.screen.background_colors[1])  # noqa: PLW2901
                for _, style, _ in strip:
                    assert style is None or is_grey(style)

    driven(app, steps, size)
    words = ("● running", "▲ starting", "✖ failed", "◌ stopped", "▲ restarting", "▲ stopping")
    assert all(word in shown["workers"] for word in words)
    assert all(word in shown["partitions"] for word in ("● OK", "▲ LAGGING", "✖ STALLED", "◌ STOPPED"))
    assert all(word in shown["settings"] for word in ("✖ postgresql", "▲ topic", "● kafka"))
    if size == "80x24":
        assert all(word in shown["overview"] for word in ("● ok", "▲ asking", "✖ no answer", "▲ restarting consumer-1"))
    else:
        assert all(word in shown["overview"] for word in ("Kafka ●", "PostgreSQL ▲", "Valkey ✖", "OpenSearch ◌ off"))
    assert "✖ trouble" in shown["overview"]
    assert "▇" in shown["overview"]


def is_grey(style: Style) -> bool:
    colors = [color.get_truecolor() for color in (style.color, style.bgcolor) if color is not None]
    return all(max(color) - min(color) <= 1 for color in colors)


def test_every_state_has_a_sign_of_its_own_gravity() -> None:
    from clickstream.tui.drawing import states

    gravity = {
        "●": (states.OKAY, states.DIM),
        "▲": (states.BUSY,),
        "✖": (states.FAILED,),
        "◌": (states.DIM, states.BUSY),
    }
    looks = [
        *states.SERVICE.values(),
        *states.PARTITION.values(),
        *states.PROCESS.values(),
        *states.ACTIVITY.values(),
    ]
    for look in looks:
        assert look.word
        assert look.style in gravity[look.glyph]
