"""One judge and one model: the same readings are the same words on every face, asked once or all the time."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from prometheus_client.metrics_core import Metric

from clickstream.actions.metrics.families import families
from clickstream.actions.observe import documents
from clickstream.actions.observe.back_pressure import NOTHING, pressures
from clickstream.actions.observe.judge import Judge, Reading
from clickstream.actions.observe.model import DOWN, LAGGING, OK, SILENT, STALLED, Frame, PartitionState
from clickstream.cli import frames
from clickstream.cli.output import json_text, plain
from clickstream.tui.drawing.partitions import partition_cells
from tests.changing import replace
from tests.tui.frames import done, empty, obstructed, running, service_gone, worker_dead


@pytest.mark.parametrize(
    ("lag", "rate_in", "rate_out", "commit_age", "state"),
    [
        (400, 100.0, 100.0, 0.5, OK),
        (400, 100.0, 0.0, 7.0, STALLED),
        (21_000, 10_000.0, 9_000.0, 0.5, OK),
        (25_000, 10_000.0, 10_000.0, 0.5, OK),
        (605, 100.0, 95.0, 0.5, LAGGING),
    ],
)
def test_who_looks_twice_and_who_goes_on_looking_say_the_same(
    lag: int, rate_in: float, rate_out: float, commit_age: float, state: PartitionState
) -> None:
    reading = Reading(lag, rate_in, rate_out, owned=True, commit_age=commit_age)
    unknown = replace(reading, rate_in=None, rate_out=None)
    once, watching = Judge(), Judge()
    once.judge(unknown)
    watching.judge(unknown)
    for _ in range(5):
        watched = watching.judge(reading)
    assert once.judge(reading)[0] is watched[0] is state


@pytest.mark.parametrize(("commit_age", "state"), [(0.5, OK), (7.0, STALLED), (None, STALLED)])
def test_one_look_knows_of_no_rates_and_blames_none(commit_age: float | None, state: PartitionState) -> None:
    assert Judge().judge(Reading(40_000, None, None, owned=True, commit_age=commit_age))[0] is state


def silent() -> Frame:
    """PostgreSQL hangs, and so does a consumer."""
    frame = running()
    services = tuple(
        replace(row, state=DOWN, error="no answer") if row.name == "postgresql" else row for row in frame.services
    )
    stalled = replace(frame.partitions[0], state=STALLED, rate_out=0.0, silent=True)
    processes = tuple(
        replace(row, activity=SILENT, detail="no report for 9 s") if row.name == stalled.owner else row
        for row in frame.processes
    )
    return replace(frame, services=services, processes=processes, partitions=(stalled, *frame.partitions[1:]))


FRAMES = [running, worker_dead, service_gone, done, obstructed, silent]


def figures(frame: Frame, name: str) -> dict[str, float]:
    """By partition."""
    metrics: list[Metric] = [one for one in families(frame, 0.1) if one.name == name]
    return {sample.labels["partition"]: sample.value for one in metrics for sample in one.samples}


@pytest.mark.parametrize("make", FRAMES)
def test_all_faces_have_the_lag_the_state_and_the_owner_of_the_frame(make: Callable[[], Frame]) -> None:
    frame = make()
    lag, status = documents.lag(frame), json.loads(json_text(documents.status(frame)))
    text = plain(frames.lag(frame))
    report = documents.report(frame, pressures(frame))
    for row, one, reported in zip(frame.partitions, lag["partitions"], report["partitions"], strict=True):
        assert one == reported
        assert (one["state"], one["lag"], one["owner"]) == (row.state, row.lag, row.owner)
        assert status["lag"]["partitions"][str(row.partition)] == row.lag
        assert status["lag"]["states"][str(row.partition)] == row.state
        line = next(line.split() for line in text.splitlines() if line.split()[:1] == [str(row.partition)])
        assert line[1] == row.state
        assert f"{row.lag:,}" in line
        cells = " ".join(str(cell.text) for cell in partition_cells(frame, row, 200))
        assert row.state in cells
        assert f"{row.lag:,}" in cells
        who = f"{row.owner} (silent)" if row.silent else row.owner or row.foreign_owner or ""
        assert who in " ".join(line)
        assert who in cells
    told = figures(frame, "clickstream_partition_lag_messages")
    if all(frame.service(name).state == "ok" for name in ("kafka", "postgresql")):
        assert told == {str(row.partition): row.lag for row in frame.partitions}
    else:
        assert told == {}
    assert lag["total"] == status["lag"]["total"] == report["total"] == frame.lag


def test_what_should_work_and_does_not_is_said_and_nothing_else() -> None:
    assert documents.troubles(running()) == ()
    assert documents.troubles(empty()) == ()
    assert documents.troubles(done()) == ()
    found = documents.troubles(silent())
    assert found[0] == "PostgreSQL does not answer"
    assert found[1].startswith("consumer-0 is silent: no report for 9 s")
    assert found[2] == "partition 0 is STALLED: 12,104 messages wait"
    assert "consumer-1 backoff: killed by SIGKILL" in documents.troubles(worker_dead())


def test_what_holds_a_consumer_up_is_who_does_not_answer() -> None:
    found = {one.worker: one.bottleneck for one in pressures(silent())}
    assert found["consumer-0"] == SILENT
    assert found["consumer-1"] == "postgresql does not answer"
    assert NOTHING not in found.values()


def test_status_says_first_which_home_and_servers_it_is_about() -> None:
    frame = replace(running(), home="/srv/shop", addresses=(("kafka", "127.0.0.1:9092"),))
    assert plain(frames.status(frame)).splitlines()[0] == "/srv/shop: embedded servers: kafka 127.0.0.1:9092"
    assert "never started" in plain(frames.status(replace(empty(), home="/x"))).splitlines()[0]
