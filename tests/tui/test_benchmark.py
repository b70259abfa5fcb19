"""The benchmark screen: what is read and when, what its bars and rows say, the one that runs, and its pictures."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions.benchmark.history import Record, append_record
from clickstream.actions.benchmark.series import Options, Summary, cases, summaries
from clickstream.config.paths import Home
from clickstream.tui import background, benchmarks
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.benchmarks import Benchmark, BenchmarkProgress
from clickstream.tui.drawing.benchmark import boxes, rows
from clickstream.tui.drawing.benchmark.bars import bars_box, grouped, short
from clickstream.tui.screens.confirm import ConfirmScreen
from clickstream.tui.themes import LIGHT
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import benchmark_figures, frames
from tests.tui.driving import EVERY_SIZE, LOGS, SIZES, HeldJob, MakeApp, Steps, driven, pressing, text_of, until_idle
from tests.waiting import until

HISTORY = LOGS.parent / "benchmarks.jsonl"

RAMP, RANDOM = ["end"], ["end", *["up"] * 6]


def table(app: ClickstreamApp) -> RowTable:
    return app.screen.query_one("#runs", RowTable)


def of(record: Record) -> Benchmark:
    return Benchmark("0", record, tuple(summaries(record.runs)))


def drawn(record: Record, width: int, height: int, selected: int = 0) -> str:
    shown = of(record)
    return str(bars_box(shown, shown.cases[selected], width, height))


async def run_one(pilot: Pilot[None], held_job: HeldJob) -> None:
    """A benchmark in its second run."""
    app: Any = pilot.app
    found = BenchmarkProgress(tuple(cases(Options())), [benchmark_figures.drain(1, 1_000_000, 203_000.0, 290_000.0)])
    words = "benchmark, run 2 of 3: reading"
    held_job.run(app, "benchmark", words=words, done=430_000, total=1_000_000, found=found)
    await until_idle(pilot)


def running_after(held_job: HeldJob, *keys: str) -> Steps:
    async def run(pilot: Pilot[None]) -> None:
        await pressing(*keys)(pilot)
        await run_one(pilot, held_job)

    return run


@pytest.mark.parametrize("size", EVERY_SIZE)
@pytest.mark.parametrize("keys", [[], RANDOM, RAMP], ids=["matrix", "random", "ramp"])
def test_picture(snap_compare: Any, make_app: MakeApp, history: None, keys: list[str], size: str) -> None:
    assert snap_compare(make_app(frames.done()), terminal_size=SIZES[size], run_before=pressing("8", *keys))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_of_none(snap_compare: Any, make_app: MakeApp, size: str) -> None:
    assert snap_compare(make_app(frames.done()), terminal_size=SIZES[size], run_before=pressing("8"))


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_picture_while_one_runs(
    snap_compare: Any, make_app: MakeApp, history: None, held_job: HeldJob, size: str
) -> None:
    run = running_after(held_job, "8")
    assert snap_compare(make_app(frames.done()), terminal_size=SIZES[size], run_before=run)


def test_picture_of_the_first_one(snap_compare: Any, make_app: MakeApp, held_job: HeldJob) -> None:
    run = running_after(held_job, "8")
    assert snap_compare(make_app(frames.done()), terminal_size=SIZES["120x40"], run_before=run)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["light", "NO_COLOR"])
def test_picture_in_other_colours(
    snap_compare: Any, make_app: MakeApp, history: None, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(frames.done())

    async def run(pilot: Pilot[None]) -> None:
        await until_idle(pilot)
        app.theme = LIGHT.name if how == "light" else app.theme
        await pressing("8", *RANDOM)(pilot)

    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=run)


def test_without_a_history_it_says_how_to_make_one(make_app: MakeApp) -> None:
    app, reader = make_app(frames.done()), make_app(frames.done(), read_only=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        assert "No benchmark was run here yet." in text_of(app)
        assert "b runs one" in text_of(app)
        await pressing("b")(pilot)
        assert isinstance(app.screen, ConfirmScreen)

    async def read_only(pilot: Pilot[None]) -> None:
        await pressing("8", "b")(pilot)
        assert "clickstream benchmark --limit" in text_of(reader)
        assert "runs one" not in text_of(reader)
        assert not isinstance(reader.screen, ConfirmScreen)

    driven(app, steps, "80x24")
    driven(reader, read_only, "80x24")


def test_a_history_that_cannot_be_read_is_said(make_app: MakeApp) -> None:
    HISTORY.mkdir(parents=True)
    app = make_app(frames.done())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        assert "benchmarks.jsonl cannot be read: Is a directory" in text_of(app)

    driven(app, steps)


def test_lines_of_another_version_are_left_out_and_steer_nothing(make_app: MakeApp, history: None) -> None:
    record = replace(benchmark_figures.ramp(), at=1e300, machine={"cpu": "\x1b[31mred", "cores": []}, versions={})
    append_record(Home(LOGS.parent), record)
    with HISTORY.open("ab") as file:
        file.write(b'\xff\n{"runs": 3}\n{"at": 1, "machine": {}, "versions": {}, "runs": [{"order": "odd"}]}\n[[[[\n')
    app = make_app(frames.done())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        assert table(app).row_count == 30 + 3 + 6 + 6
        assert "\x1b" not in text_of(app)
        assert "[31mred" in text_of(app)

    driven(app, steps)


def test_what_another_terminal_measures_is_read_without_asking(make_app: MakeApp, history: None) -> None:
    app = make_app(frames.done())

    async def steps(pilot: Pilot[None]) -> None:
        source: Any = app.source
        await pressing("8", "down")(pilot)
        chosen = table(app).selected
        append_record(Home(LOGS.parent), benchmark_figures.ramp())
        source.push(replace(frames.done(), at=frames.NOW + 2))
        await until_idle(pilot)
        assert table(app).row_count == 39  # too soon
        source.push(replace(frames.done(), at=frames.NOW + 6))
        await until(pilot, lambda: table(app).row_count == 45, "the new rows")
        assert table(app).selected == chosen
        assert str(table(app).ordered_rows[0].key.value).startswith("3/")

    driven(app, steps)


def test_the_history_is_read_in_a_thread(make_app: MakeApp, history: None, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[str] = []
    monkeypatch.setattr(
        "clickstream.actions.benchmark.history.read_records",
        lambda _: readers.append(threading.current_thread().name) or [],
    )
    driven(make_app(frames.done()), pressing("8"))
    assert set(readers) == {background.THREAD}


def test_the_chosen_row_is_the_one_that_is_drawn(make_app: MakeApp, history: None) -> None:
    app = make_app(frames.done())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        assert "drained in order of time" in str(app.screen.query_one("#bars").border_title)
        assert str(app.screen.query_one("#case").border_title) == "1 partition, 100 k"
        await pressing(*RANDOM)(pilot)
        assert "in random order" in str(app.screen.query_one("#bars").border_title)
        assert "✖ wrong" in text_of(app)
        assert "not measured" in text_of(app)
        await pressing("end")(pilot)
        assert "live" in str(app.screen.query_one("#bars").border_title)
        assert "▲ falls behind" in text_of(app)
        assert str(app.screen.query_one("#case").border_title) == "3 partitions, 1.2 M, 120 k/s"
        await pressing("slash", *"wrong", "enter")(pilot)
        assert table(app).row_count == 1
        assert "in random order" in str(app.screen.query_one("#bars").border_title)

    driven(app, steps)


def test_a_running_benchmark_is_shown_and_read_when_it_has_ended(
    make_app: MakeApp, history: None, held_job: HeldJob
) -> None:
    app = make_app(frames.done())

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        now = app.screen.query_one("#now")
        assert not now.display
        await run_one(pilot, held_job)
        assert now.display
        assert "● 1 p 1 M 203 k/s" in text_of(app)
        assert "▲ 2 p 1 M reading ▇▇▇▇▇" in text_of(app)
        assert "◌ 3 p 1 M" in text_of(app)
        assert str(table(app).ordered_rows[0].key.value) == f"{benchmarks.RUNNING}/0"
        append_record(Home(LOGS.parent), replace(benchmark_figures.shuffled(), at=frames.NOW))
        held_job.end()
        await until(pilot, lambda: table(app).row_count == 42, "the rows of what has ended")
        assert not now.display
        assert str(table(app).ordered_rows[0].key.value).startswith("3/")

    driven(app, steps)


def test_a_benchmark_of_another_terminal_is_shown_by_its_workers(make_app: MakeApp, history: None) -> None:
    frame = frames.running()
    workers = tuple(
        replace(row, name=f"benchmark-{n}", rate=101_000.0) for n, row in enumerate(frame.workers("consumer"))
    )
    app = make_app(replace(frame, processes=workers))

    async def steps(pilot: Pilot[None]) -> None:
        await pressing("8")(pilot)
        assert "● benchmark-0 101 k/s" in text_of(app)

    driven(app, steps)


@pytest.mark.parametrize("width", [60, 80, 115, 116, 159, 160, 200])
def test_every_width_has_as_many_cells_as_columns(width: int) -> None:
    columns = rows.columns_for(width)
    for record in (benchmark_figures.matrix(), benchmark_figures.ramp(), benchmark_figures.shuffled()):
        shown = of(record)
        for case in shown.cases:
            cells = rows.benchmark_cells(shown, case, width)
            for cell, column in zip(cells, columns, strict=True):
                assert column.width is not None
                assert len(cell.text) <= column.width, column.title
    if width >= 80:
        assert sum((column.width or 0) + 2 for column in columns) <= width - 5  # border, padding, scroll bar


@pytest.mark.parametrize("width", [14, 20, 38, 60, 74, 120])
@pytest.mark.parametrize("height", [3, 4, 9, 30])
@pytest.mark.parametrize("record", ["matrix", "ramp", "shuffled"])
def test_the_chart_fills_its_box_and_shows_the_chosen_group(record: str, width: int, height: int) -> None:
    shown = of(getattr(benchmark_figures, record)())
    for number, case in enumerate(shown.cases):
        lines = drawn(shown.record or benchmark_figures.matrix(), width, height, number).split("\n")
        if len(lines) == 1:
            assert "no room" in lines[0] or "no ro" in lines[0]
            continue
        assert len(lines) == height
        assert {len(line) for line in lines} == {width}
        label = short(case.case.rate or case.case.events)
        assert label in lines[-1] or width < 20


def test_bars_are_as_high_as_their_figures_and_the_limit_stands_above() -> None:
    runs = [benchmark_figures.drain(n, 1_000_000, 100_000.0 * n, 400_000.0) for n in (1, 2, 4)]
    lines = drawn(Record(0.0, {}, {}, tuple(runs)), 40, 10).split("\n")
    heights = [sum(line[place] == "█" for line in lines) for place in (8, 19, 30)]
    assert heights == sorted(heights)
    assert heights[0] * 2 - heights[1] in {-1, 0, 1}
    assert all("100 k" not in line for line in lines[-2:])
    assert sum("100 k" in line for line in lines) == 1
    assert sum("━" in line or "▔" in line or "▁" in line for line in lines) == 1


def test_live_runs_at_several_rates_are_grouped_by_rate() -> None:
    labels = [group.label for group in grouped(summaries(benchmark_figures.ramp().runs))]
    assert labels == ["20 k/s", "40 k/s", "60 k/s", "80 k/s", "100 k/s", "120 k/s"]
    assert [group.label for group in grouped(summaries(benchmark_figures.matrix().runs))][-1] == "2 M"


def test_a_case_says_what_its_cpu_went_into() -> None:
    [case] = summaries([benchmark_figures.drain(3, 1_000_000, 300_000.0, 470_000.0)])
    shown = str(boxes.case_box(case, 36, 20))
    assert f"{sum(case.cpu_us.values()):.1f} us an event" in shown
    assert all(part in shown for part in ("consumers", "Kafka", "PostgreSQL", "0.64", "470 k/s", "145 MB"))


def test_a_row_knows_its_case() -> None:
    shown = of(benchmark_figures.shuffled())
    keys = dict(shown.rows())
    assert all(shown.case(key) is case for key, case in keys.items())
    assert shown.case("nothing") is None
    assert all(isinstance(case, Summary) for case in keys.values())
