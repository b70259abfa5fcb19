"""The Settings screen: every variable and its source, no secret; and the doctor, who can be asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from clickstream.config.settings import KafkaSettings, PostgresSettings, Settings, ValkeySettings, variables
from clickstream.domain.errors import ClickstreamError
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.widgets.findings import Findings
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, pressing, until_idle
from tests.tui.frames import FakeSource, empty, running
from tests.tui.stand_ins import Doctor
from tests.waiting import until

SECRET = "open-sesame"


def configured(settings: Settings) -> Settings:
    values: dict[str, Any] = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:43121",
        "PG_HOST": "127.0.0.1", "PG_PORT": 43122, "PG_PASSWORD": SecretStr(SECRET),
        "VALKEY_HOST": "127.0.0.1", "VALKEY_PORT": 43123, "VALKEY_PASSWORD": SecretStr(SECRET),
    }  # fmt: skip
    return replace(
        settings,
        kafka=KafkaSettings.model_validate({**values, "KAFKA_EVENTS_TOPIC": "clicks"}),
        postgres=PostgresSettings.model_validate(values),
        valkey=ValkeySettings.model_validate(values),
        sources={**dict.fromkeys(values, "embedded"), "KAFKA_EVENTS_TOPIC": ".env", "PG_PORT": "environment"},
    )


def prepared(make_app: MakeApp, **arguments: Any) -> ClickstreamApp:
    app = make_app(running(), **arguments)
    assert isinstance(app.source, FakeSource)
    app.source.settings = configured(app.source.settings)
    return app


def press(*keys: str) -> Callable[[Any], Any]:
    return pressing("7", *keys)


def drive(app: ClickstreamApp, act: Callable[[Any], Any]) -> None:
    async def run() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("7")
            await act(pilot)

    asyncio.run(run())


def doctor_says(app: ClickstreamApp) -> str:
    return str(app.screen.query_one(Findings).query_one("#findings").render())


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize(("state", "keys"), {"all": (), "filter": ("slash", *"kafka")}.items())
def test_picture(
    snap_compare: Any, make_app: MakeApp, doctor: Doctor, size: str, state: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(prepared(make_app), terminal_size=SIZES[size], run_before=press(*keys))


def test_picture_before_anything_was_configured(snap_compare: Any, make_app: MakeApp, doctor: Doctor) -> None:
    assert snap_compare(make_app(empty()), terminal_size=SIZES["80x24"], run_before=press())


def test_every_variable_is_there_and_no_secret(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)

    async def act(pilot: Any) -> None:
        await until_idle(pilot)
        table = app.screen.query_one(RowTable)
        rows = [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]
        assert [row[0] for row in rows] == ["CLICKSTREAM_HOME", *variables()]
        assert not any(SECRET in cell for row in rows for cell in row)
        assert ["PG_PASSWORD", "********", "embedded"] in rows
        assert ["KAFKA_EVENTS_TOPIC", "clicks", ".env"] in rows
        assert ["PG_PORT", "43122", "environment"] in rows
        assert ["PG_DATABASE", "clickstream", "default"] in rows

    drive(app, act)


def test_the_doctor_is_asked_once_and_again_on_request_only(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)
    doctor.may.clear()

    async def act(pilot: Any) -> None:
        await pilot.pause()
        assert "trying everything" in doctor_says(app)
        await pilot.press("r", "r")
        doctor.may.set()
        await until_idle(pilot)
        assert doctor.asked == 1
        assert r"[bold]\x1b[31mx" in doctor_says(app)
        assert "→ check PG_USER and PG_PASSWORD" in doctor_says(app)
        await pilot.press("1", "7")
        await until_idle(pilot)
        assert doctor.asked == 1
        await pilot.press("r")
        await until_idle(pilot)
        assert doctor.asked == 2

    drive(app, act)


def test_a_doctor_that_cannot_look_says_why(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)
    doctor.error = ClickstreamError("no answer within 12 s")

    async def act(pilot: Any) -> None:
        await until_idle(pilot)
        assert "✖ no answer within 12 s" in doctor_says(app)

    drive(app, act)


def test_other_settings_are_shown_and_checked_when_they_change(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)

    async def act(pilot: Any) -> None:
        await until_idle(pilot)
        assert isinstance(app.source, FakeSource)
        app.source.settings = replace(app.source.settings, sources={"PG_DATABASE": ".env"})
        app.source.push(replace(running(), at=running().at + 1))
        await until(pilot, lambda: doctor.asked == 2, "the doctor is asked again")
        await until_idle(pilot)
        assert str(app.screen.query_one(RowTable).get_row("PG_DATABASE")[2]) == ".env"

    drive(app, act)


def test_settings_that_change_under_the_doctors_hands_are_checked_again(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)
    doctor.may.clear()

    async def act(pilot: Any) -> None:
        await pilot.pause()
        assert isinstance(app.source, FakeSource)
        app.source.settings = replace(app.source.settings, sources={})
        later = replace(running(), at=running().at + 1)
        app.source.push(later)
        await until(pilot, lambda: app.frame is later, "the frame")
        await pilot.pause()
        assert doctor.asked == 1
        doctor.may.set()
        await until_idle(pilot)
        await until_idle(pilot)
        assert doctor.asked == 2
        assert "kafka" in doctor_says(app)

    drive(app, act)


def test_filter_shows_what_matches(make_app: MakeApp, doctor: Doctor) -> None:
    app = prepared(make_app)

    async def act(pilot: Any) -> None:
        await until_idle(pilot)
        await pilot.press("slash", *"embedded", "enter")
        await pilot.pause()
        assert app.screen.query_one(RowTable).row_count == 6
        assert app.focused is app.screen.query_one(RowTable)

    drive(app, act)
