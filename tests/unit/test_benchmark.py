"""What a benchmark plans, sends and makes of its runs, without a server."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from clickstream.actions.benchmark.history import Record, append_record, load, read_records
from clickstream.actions.benchmark.load import Mode, Order, arranged
from clickstream.actions.benchmark.run import Run
from clickstream.actions.benchmark.series import Options, cases, check, summaries, sustained_rate
from clickstream.cli.output import json_text
from clickstream.config.paths import Home
from clickstream.domain.errors import UsageError
from clickstream.domain.events import EventColumns

RUN = Run(
    3, 1000, 0.5, 2000.0, 0.01, 1 << 20, 4000.0, 0.5, Mode.DRAIN, Order.SORTED, None, 1000, 990, 700, verified=True
)


def events(count: int) -> EventColumns:
    numbers = np.arange(count, dtype=np.int64)
    return EventColumns(numbers * 1000, numbers % 97, np.zeros(count, np.int8), numbers, np.full(count, -1, np.int64))


def test_every_limit_meets_every_number_of_partitions() -> None:
    found = [(case.events, case.partitions) for case in cases(Options(limits=(10, 20), partitions=(1, 3)))]
    assert found == [(10, 1), (10, 3), (20, 1), (20, 3)]


def test_a_ramp_is_live_runs_of_rising_rates() -> None:
    found = cases(Options(partitions=(2,), ramp=(100, 300, 100)))
    assert [(case.mode, case.rate, case.events) for case in found] == [
        (Mode.LIVE, 100, 1000),
        (Mode.LIVE, 200, 2000),
        (Mode.LIVE, 300, 3000),
    ]


@pytest.mark.parametrize(
    "options",
    [
        Options(mode=Mode.LIVE, order=Order.RANDOM),
        Options(rate=10.0),
        Options(ramp=(300, 100, 10)),
    ],
)
def test_options_that_exclude_one_another_are_refused(options: Options) -> None:
    with pytest.raises(UsageError):
        check(options)


def test_late_and_doubled_events_are_the_same_events_a_few_of_them_twice() -> None:
    before = events(20_000)
    after = arranged(before, Order.LATE)
    assert set(after.item_id.tolist()) == set(before.item_id.tolist())
    assert 0.005 < len(after) / len(before) - 1 < 0.015
    behind = np.maximum.accumulate(after.time_ms) > after.time_ms
    assert 0.04 < behind.mean() < 0.08
    assert arranged(before, Order.LATE).item_id.tolist() == after.item_id.tolist()


def test_random_order_loses_none() -> None:
    shuffled = arranged(events(1000), Order.RANDOM)
    assert shuffled.item_id.tolist() != list(range(1000))
    assert sorted(shuffled.item_id.tolist()) == list(range(1000))


def test_runs_of_one_case_give_their_median() -> None:
    runs = [replace(RUN, events_per_second=rate) for rate in (30.0, 10.0, 20.0)]
    other = replace(RUN, order="late", events=1010)
    first, second = summaries([*runs, other])
    assert (first.runs, first.minimum, first.median, first.maximum) == (3, 10.0, 20.0, 30.0)
    assert second.runs == 1


def test_the_highest_rate_is_the_last_that_was_sustained() -> None:
    assert sustained_rate([replace(RUN, rate=10.0), replace(RUN, rate=20.0, sustained=False)]) == 10.0
    assert sustained_rate([replace(RUN, rate=10.0, sustained=False)]) is None


def test_the_history_gives_back_what_was_kept_and_skips_what_it_cannot_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    record = Record(1.0, {"cpu": "x", "cores": 2}, {"clickstream": "0"}, (RUN,))
    append_record(home, record)
    with (tmp_path / "benchmarks.jsonl").open("a") as file:
        file.write('not json\n{"runs": 3}\n')
    append_record(home, record)
    assert read_records(home) == [record, record]
    assert (tmp_path / "benchmarks.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_json_wrote_can_be_compared_with(tmp_path: Path) -> None:
    record = Record(1.0, {"cpu": "x"}, {}, (RUN,))
    file = tmp_path / "earlier.json"
    file.write_text(json_text(record.document(), indent=2))
    assert load(file).runs == (RUN,)
    assert asdict(RUN)["copy_limit_events_per_second"] == 4000.0
    file.write_text("nothing")
    with pytest.raises(UsageError, match="holds no benchmark"):
        load(file)
