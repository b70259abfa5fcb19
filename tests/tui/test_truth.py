"""What is old says how old it is, what is not known says so, and what is silent is called silent."""

from __future__ import annotations

import math
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions.observe.back_pressure import pressures
from clickstream.actions.observe.history import LagHistory, LagPoint
from clickstream.actions.observe.model import (
    DOWN,
    INFO,
    OK,
    SILENT,
    STALLED,
    STOPPED,
    Figure,
    Frame,
    History,
    JournalEntry,
)
from clickstream.services.postgres.verify import Verification
from clickstream.tui.drawing import partitions, pressure
from clickstream.tui.drawing.ages import age, since
from clickstream.tui.drawing.headline import headline
from clickstream.tui.drawing.lag import lag_box
from clickstream.tui.drawing.overview import sessions_box
from clickstream.tui.widgets.header import header
from clickstream.tui.widgets.lag_chart import LagChart, not_watched, peak
from clickstream.tui.widgets.throughput import ThroughputPlot, nothing_flowed
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import MakeApp, driven, pressing, text_of
from tests.tui.test_partitions import with_kafka
from tests.waiting import until

NOW = frames.NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (3, ""), (3.1, "3 s ago"), (12.4, "12 s ago"), (99.4, "99 s ago"), (300, "5 min ago")],
)
def test_a_figure_of_more_than_three_seconds_says_its_age(seconds: float, words: str) -> None:
    assert age(NOW - seconds, NOW) == words
    assert since(NOW - seconds, NOW).endswith(words)
    assert bool(since(NOW - seconds, NOW)) == bool(words)


WIDE = ["PostgreSQL ✖", "✖ no answer", "14 s ago ╯", "lag 56.0 k 12 s", "33,020 ? 12 s ago", "▲  waiting"]
NARROW = ["PostgreSQL  ✖ no answer", "14 s ago  1.20 M events", "12 s ago  lag 56,035"]
FUNNEL = "as of 12:00:21, 20 s ago"


@pytest.mark.parametrize(("size", "told"), [("120x40", [*WIDE, FUNNEL]), ("80x24", [*NARROW, f"funnel {FUNNEL}"])])
def test_the_overview_says_how_old_its_figures_are(make_app: MakeApp, size: str, told: list[str]) -> None:
    app = make_app(frames.service_gone())

    async def steps(_: Pilot[None]) -> None:
        shown = text_of(app)
        assert [words for words in told if words not in shown] == []

    driven(app, steps, size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_while_all_is_fresh_nothing_has_an_age(make_app: MakeApp, size: str) -> None:
    app = make_app(frames.running())

    async def steps(_: Pilot[None]) -> None:
        assert " ago" not in text_of(app)
        assert "as of" not in text_of(app)

    driven(app, steps, size)


def test_a_server_that_hangs_is_not_a_running_one(make_app: MakeApp, log_folder: Any) -> None:
    app = make_app(frames.service_gone())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("2")(pilot)
        line = next(line for line in text_of(app).splitlines() if line.startswith("│  postgresql"))
        assert "no answer" in line
        assert "running" not in line

    driven(app, steps)


def test_a_server_that_refuses_is_not_called_silent() -> None:
    frame = frames.running()
    refusing = replace(frame.service("postgresql"), state=DOWN, since=NOW - 5, error="PostgreSQL: too many clients")
    frame = replace(frame, services=tuple(refusing if row.name == "postgresql" else row for row in frame.services))
    assert (
        headline(frame).text == "PostgreSQL: PostgreSQL: too many clients, since 5.0 s; workers wait; nothing is lost"
    )


def stuck(state: str, **owner: Any) -> Frame:
    """Nothing is stored of partition 1, though its consumer knows of nothing that holds it up."""
    frame = frames.running()
    rows = tuple(replace(row, state=OK) for row in frame.partitions)
    idle = {"fetch": 0.0, "decode": 0.0, "sessions": 0.0, "postgresql": 0.0, "idle": 1.0}
    processes = tuple(
        replace(row, report=replace(row.report, stages=idle)) if row.report and row.role == "consumer" else row
        for row in frame.processes
    )
    return replace(frame, processes=processes, partitions=(rows[0], replace(rows[1], state=state, **owner), rows[2]))


def without(frame: Frame, name: str) -> Frame:
    """This server does not answer."""
    rows = tuple(replace(row, state=DOWN, error="no answer") if row.name == name else row for row in frame.services)
    return replace(frame, services=rows)


@pytest.mark.parametrize(("frame", "words"), [
    (stuck(OK), "nothing holds them up"),
    (stuck(STALLED), "nothing is stored of partition 1"),
    (stuck(STOPPED, owner=None), "no consumer owns partition 1"),
    (frames.service_gone(), "PostgreSQL does not answer"),
    (replace(stuck(STOPPED), processes=()), "no consumer owns partition 1"),
    (without(stuck(STOPPED, owner=None), "kafka"), "Kafka does not answer"),
])  # fmt: skip
def test_nothing_holds_them_up_only_where_all_is_stored(frame: Frame, words: str) -> None:
    assert pressure.summary(pressures(frame), frame) == words


def test_a_partition_that_no_worker_has_is_the_headline() -> None:
    assert headline(stuck(STOPPED, owner=None)).text == "messages wait in partition 1, which no consumer has"


def silent() -> Frame:
    """consumer-1 hangs."""
    frame = frames.running()
    processes = tuple(
        replace(row, activity=SILENT, rate=0.0, detail="no report for 12 s") if row.name == "consumer-1" else row
        for row in frame.processes
    )
    first, second, third = frame.partitions
    return replace(frame, processes=processes, partitions=(first, replace(second, state=STALLED, silent=True), third))


def test_a_silent_owner_is_called_silent() -> None:
    frame = silent()
    row = frame.partitions[1]
    assert partitions.partition_cells(frame, row, 120)[-1].text == "consumer-1 (silent)"
    assert "owner consumer-1 (silent)" in partitions.detail(frame, row)
    consumers = pressures(frame)
    assert pressure.summary(consumers, frame).startswith("consumer-1 silent; ")
    cells = pressure.pressure_cells(consumers[1], 120)
    assert [cell.text for cell in cells] == ["consumer-1", *["–"] * 6, "silent"]  # what it said last is not of now
    warned = replace(frame, partitions=(frame.partitions[0], replace(row, state=OK), frame.partitions[2]))
    assert "owner silent" in lag_box(warned, 60, 10).plain


def test_rates_that_are_not_known_are_not_rates_of_nothing() -> None:
    frame = frames.service_gone()
    titles = [column.title for column in partitions.columns_for(120)]
    cells = dict(zip(titles, partitions.partition_cells(frame, frame.partitions[0], 120), strict=True))
    assert {name: cells[name].text for name in ("", "out", "drains")} == {"": "?", "out": "?", "drains": "?"}
    assert cells["in"].text == "18.9 k/s"


def rates(*stored: float, after: float = 0.0) -> History:
    count = len(stored)
    return History(tuple(NOW - count + n - after for n in range(count)), stored, stored, stored, stored)


@pytest.mark.parametrize(("history", "words"), [
    (History(), ""),
    (rates(math.nan, math.nan), ""),
    (rates(math.nan, 0.0, 0.0, 0.0), "nothing has flowed since 12:00:38, when this dashboard opened"),
    (rates(0.0, 0.0, math.nan, 0.0), "nothing was seen to flow since 12:00:37, when this dashboard opened"),
    (rates(*[math.nan] * 60, 0.0, 0.0), "nothing has flowed since 12:00:39"),
    (rates(*[0.0] * 300), "nothing has flowed since 11:55:41"),
])  # fmt: skip
def test_of_a_time_that_no_one_watched_nothing_is_said(history: History, words: str) -> None:
    assert nothing_flowed(history) == words


@pytest.mark.parametrize(("frame", "title"), [
    (frames.running(), "events/s · │ what happened"),
    (replace(frames.running(), happenings=()), "events/s"),
    (replace(frames.running(), happenings=(JournalEntry(NOW - 9, INFO, "consumer-0 started"),)), "events/s"),
    (replace(frames.running(), happenings=(), history=rates(*[5.0] * 20)), "events/s · watched since 12:00:21"),
    (frames.empty(), "events/s"),
])  # fmt: skip
def test_the_strokes_of_the_chart_have_a_legend_and_its_blank_a_reason(
    make_app: MakeApp, frame: Frame, title: str
) -> None:
    app = make_app(frame)

    async def steps(_: Pilot[None]) -> None:
        assert app.screen.query_one(ThroughputPlot).border_title == title

    driven(app, steps)


HOUR = 3_600


@pytest.mark.parametrize(("ages", "unknown"), [
    ([3_590, *range(3_580, 0, -20)], ""),
    ([480, *range(470, 0, -10)], "not watched before 11:52:41"),
    ([3_590, *range(3_580, 1_800, -20), *range(900, 0, -20)], "not watched all the time"),
    ([3_590, *range(3_580, 600, -20)], "not watched since 11:50:21"),
    ([], ""),
])  # fmt: skip
def test_the_lag_chart_says_what_it_did_not_watch(ages: list[int], unknown: str) -> None:
    lines = {0: [(NOW - one, 0) for one in ages]}
    assert not_watched(lines, NOW, HOUR) == unknown
    if ages:
        assert peak(lines, unknown) == ("nothing waited" + (f"; {unknown}" if unknown else ""))


def test_the_past_is_asked_for_again_where_it_could_not_be_told(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened eight minutes after a lag of 37,005, while Valkey, which has the past, is away for a moment."""
    asked: list[float] = []
    known = tuple(LagPoint(NOW - back, None, {0: 37_005 if back == 480 else 0}) for back in range(3_600, 0, -20))

    def history(_: object, *, window: float, points: int) -> LagHistory:
        asked.append(window)
        return LagHistory("t", window, known, "") if len(asked) > 1 else LagHistory("t", window, (), "not known: gone")

    monkeypatch.setattr("clickstream.actions.observe.history.history", history)
    frame = frames.done()
    seen = ((NOW - 10, (0,)),)
    frame = replace(frame, partitions=frame.partitions[:1], history=replace(frame.history, hour=seen))
    app = with_kafka(make_app(frame))

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("3")(pilot)
        chart, source = app.screen.query_one(LagChart), app.source
        assert chart.border_subtitle == "nothing waited; not watched before 12:00:31"
        assert isinstance(source, frames.FakeSource)
        source.push(replace(frame, at=NOW + 31))
        await until(pilot, lambda: chart.border_subtitle == "peak 37,005 on p0 at 11:52:41", "the past")
        assert len(asked) == 2

    driven(app, steps)


def verified(events: int, at: float) -> Frame:
    return replace(frames.running(), verification=Figure(Verification(events, 9, 9, 0, 0, 0, 0), at))


@pytest.mark.parametrize(("frame", "width", "words"), [
    (verified(1_100_000, NOW - 95), 120, "verify ✓ 11:59:06 (at 1,100,000 events)"),
    (verified(1_100_000, NOW - 95), 80, "verify ✓ 11:59:06 at 1.10 M"),
    (verified(1_200_412, NOW - 95), 120, "verify ✓ 11:59:06 (0 lost, 0 doubled)"),
    (verified(1_100_000, NOW), 120, "verify ✓ 12:00:41 (0 lost, 0 doubled)"),  # the count is older
])  # fmt: skip
def test_a_verify_says_up_to_where_it_was(frame: Frame, width: int, words: str) -> None:
    shown = header(frame, width).plain
    assert words in shown
    assert len(shown) <= width


def test_what_was_emptied_is_not_all_stored() -> None:
    frame = frames.done()
    assert frame.counts
    emptied = replace(frame, counts=Figure(replace(frame.counts.value, events=0, sessions=0), NOW))
    assert "All is stored" not in headline(emptied).text


def test_figures_of_data_time_and_of_messages_are_called_so() -> None:
    shown = sessions_box(frames.running(), 30, 8).plain
    assert "per minute" not in shown
    assert "3 + 2 lines" in shown


def test_messages_and_lines_are_told_apart(make_app: MakeApp, store: Any) -> None:
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("5")(pilot)
        assert app.screen.query_one("#rejects").border_subtitle == "all 36 · 34 messages, 2 lines"

    driven(app, steps)
