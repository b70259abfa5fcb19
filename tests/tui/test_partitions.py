"""The partitions screen: what its keys do, where the past comes from, and its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions.observe.history import LagHistory, LagPoint
from clickstream.actions.observe.model import Frame
from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.drawing import partitions, pressure
from clickstream.tui.widgets.lag_chart import LagChart, lag_lines, split_at_silences
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames, funnel_figures
from tests.tui.driving import EVERY_SIZE, SIZES, MakeApp, pressing
from tests.waiting import until


def drive(app: ClickstreamApp, steps: Callable[[Pilot[None]], Awaitable[None]], size: str = "120x40") -> None:
    async def run() -> None:
        async with app.run_test(size=SIZES[size]) as pilot:
            await pressing("3")(pilot)
            await steps(pilot)

    asyncio.run(run())


def table(app: ClickstreamApp) -> RowTable:
    return app.screen.query_one("#partitions", RowTable)


def chart(app: ClickstreamApp) -> LagChart:
    return app.screen.query_one(LagChart)


def many(count: int) -> Frame:
    frame = frames.running()
    rows = [replace(frame.partitions[n % 3], partition=n, share=1 / count) for n in range(count)]
    hour = tuple((at, tuple(lags[n % 3] + n for n in range(count))) for at, lags in frame.history.hour)
    return replace(frame, partitions=tuple(rows), history=replace(frame.history, hour=hour))


PICTURES = [
    *(
        pytest.param(state, *size.values, marks=size.marks)
        for state in ("running", "empty", "worker_dead", "service_gone")
        for size in EVERY_SIZE
    ),
    ("done", "120x40"),
]


@pytest.mark.parametrize(("state", "size"), PICTURES)
def test_picture(snap_compare: Any, make_app: MakeApp, state: str, size: str) -> None:
    assert snap_compare(make_app(frames.STATES[state]()), terminal_size=SIZES[size], run_before=pressing("3"))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_obstacles(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    assert snap_compare(make_app(frames.obstructed()), terminal_size=SIZES[size], run_before=pressing("3"))


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_obstacles_are_told_in_full_and_go_away_with_what_they_are(make_app: MakeApp, size: str) -> None:
    frame = frames.obstructed()
    app = make_app(frame)

    async def steps(pilot: Pilot[None]) -> None:
        told = app.screen.query_one("#obstacles")
        said = " ".join("\n".join(strip.text for strip in told.render_lines(told.region.reset_offset)).split())
        for one in frame.obstacles:
            assert f"{one.message}; {one.hint}" in said
        assert told.region.bottom <= app.screen.query_one("#pressure").region.y
        assert app.screen.query_one("#pressure").region.bottom <= app.screen.size.height - 2
        cells = {row.partition: partitions.partition_cells(frame, row, 120) for row in frame.partitions}
        assert cells[0][-1].text.startswith("✖ reporting-app")
        assert "held" in [cell.text for cell in cells[1]]
        assert pressure.summary([], frame) == frame.obstacles[0].brief
        source: Any = app.source
        source.push(replace(frame, obstacles=()))
        await until(pilot, lambda: not told.display, "they are gone")

    drive(app, steps, size)


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_twelve_partitions(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    assert snap_compare(make_app(many(12)), terminal_size=SIZES[size], run_before=pressing("3", "down"))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_filtered(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    run = pressing("3", "slash", *"lagging")
    assert snap_compare(make_app(frames.running()), terminal_size=SIZES[size], run_before=run)


def test_the_filter_is_kept_and_cleared(make_app: MakeApp) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("slash", *"lagging", "enter")(pilot)
        assert table(app).row_count == 1
        assert str(table(app).border_subtitle).startswith("p2 ")
        assert table(app).has_focus
        await pressing("escape")(pilot)
        assert table(app).row_count == 3

    drive(app, steps)


def test_the_selected_row_is_told_in_full(make_app: MakeApp) -> None:
    app = make_app(frames.worker_dead())

    async def steps(pilot: Pilot[None]) -> None:
        assert "owner consumer-0" in table(app).border_subtitle
        await pressing("down")(pilot)
        assert "no owner" in table(app).border_subtitle

    drive(app, steps, "80x24")


def test_w_changes_the_window(make_app: MakeApp) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        assert chart(app).border_title == "lag over the last hour"
        await pressing("w")(pilot)
        assert chart(app).border_title == "lag over the last ten minutes"
        await pressing("w")(pilot)
        assert chart(app).border_title == "lag over the last hour"

    drive(app, steps)


@pytest.mark.parametrize("key", ["less_than_sign", "greater_than_sign", "R"])
def test_it_can_be_sorted(make_app: MakeApp, key: str) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("greater_than_sign", "greater_than_sign", key)(pilot)
        assert table(app).row_count == 3

    drive(app, steps)


def test_the_past_is_asked_for_once_and_drawn(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    point = LagPoint(frames.NOW - 1_000, None, {0: 5, 1: None, 2: 999_999})

    def history(_: object, *, window: float, points: int) -> LagHistory:
        asked.append(window)
        if len(asked) == 1:
            raise ServiceUnavailable("Kafka", "gone")
        return LagHistory("t", window, (point,), "")

    monkeypatch.setattr("clickstream.actions.observe.history.history", history)
    shown = replace(frames.running(), history=replace(frames.running().history, hour=()))
    app = with_kafka(make_app(shown))

    async def steps(pilot: Pilot[None]) -> None:
        source: Any = app.source
        await until(pilot, lambda: len(asked) == 1)
        for seconds in (1, 31, 62):
            frame = replace(shown, at=frames.NOW + seconds)
            source.push(frame)
            await until(pilot, lambda frame=frame: app.frame is frame)
        await until(pilot, lambda: "999,999 on p2" in str(chart(app).border_subtitle))
        assert asked == [3_600.0, 3_600.0]

    drive(app, steps)


def with_kafka(app: ClickstreamApp) -> ClickstreamApp:
    source: Any = funnel_figures.with_postgres(app).source
    kafka = KafkaSettings.model_validate({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"})
    source.settings = replace(source.settings, kafka=kafka)
    return app


def test_lines_join_past_and_present_without_overlap() -> None:
    frame = frames.running()
    seen = tuple((frames.NOW - 100 + n * 10, (n, n, n)) for n in range(10))
    frame = replace(frame, history=replace(frame.history, hour=seen))
    told = tuple(LagPoint(frames.NOW - age, None, {0: 7, 1: 8, 2: None}) for age in (9_000, 300, 50))
    lines = lag_lines(frame, LagHistory("t", 3_600, told, ""), 3_600)
    assert lines[0][0] == (frames.NOW - 300, 7)
    assert lines[2][0] == (frames.NOW - 100, 0)
    assert [len(points) for points in lines.values()] == [11, 11, 10]
    assert [len(part) for part in split_at_silences(lines[0])] == [1, 10]


def test_only_the_partitions_furthest_behind_are_drawn() -> None:
    lines = lag_lines(many(12), None, 3_600)
    assert len(lines) == 6
    assert {2, 5, 8, 11} <= set(lines)


@pytest.mark.parametrize("width", [60, 80, 115, 116, 159, 160, 200])
def test_every_width_has_as_many_cells_as_columns(width: int) -> None:
    frame = frames.worker_dead()
    columns = partitions.columns_for(width)
    cells = [partitions.partition_cells(frame, row, width) for row in frame.partitions]
    assert {len(row) for row in cells} == {len(columns)}
    for row in cells:
        for cell, column in zip(row, columns, strict=True):
            assert column.width is not None
            assert len(cell.text) <= column.width
    if width >= 80:
        assert sum((column.width or 0) + 2 for column in columns) <= width - 5  # border, padding, scroll bar


def test_a_hot_partition_stands_out() -> None:
    frame = frames.running()
    assert [partitions.is_hot(frame, row) for row in frame.partitions] == [False, False, True]
    assert not partitions.is_hot(frames.done(), frames.done().partitions[2])
