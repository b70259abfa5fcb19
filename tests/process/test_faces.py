"""The faces side by side, on real servers: in an outage each says what the others say, in the same words.

What a face is asked, it is asked when the watcher has believed the situation for a while: looks of one second apart
cannot show a change of that very second alike.
"""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clickstream.actions import rewind
from clickstream.actions.control import running
from clickstream.actions.observe.model import Frame
from clickstream.actions.observe.watcher import Watcher
from clickstream.actions.processes import consumers
from clickstream.actions.processes.by_name import freeze
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from tests.feed import all_committed, observed, send, shop
from tests.integration.test_obstacles import transaction
from tests.process.test_hosts import Host, hosts  # noqa: F401 (a fixture)
from tests.waiting import first, wait_until

pytestmark = pytest.mark.slow

EVENTS = shop(91, 3_000)

Situation = Callable[[Settings], Any]


@contextmanager
def frozen_consumer(settings: Settings) -> Iterator[Callable[[Frame], bool]]:
    consumers.start(settings, count=1)
    send(settings, EVENTS[:1_500])
    wait_until(lambda: all_committed(settings), "half is stored")
    wait_until(lambda: all(row.owner for row in observed(settings).partitions), "it has reported what it has")
    freeze(settings, "consumer-0", frozen=True)
    try:
        send(settings, EVENTS[1_500:])
        yield lambda frame: all(row.state == "STALLED" and row.silent for row in frame.partitions)
    finally:
        freeze(settings, "consumer-0", frozen=False)


@contextmanager
def no_consumers(settings: Settings) -> Iterator[Callable[[Frame], bool]]:
    send(settings, EVENTS)
    yield lambda frame: all(row.state == "STOPPED" for row in frame.partitions)


@contextmanager
def after_a_rewind(settings: Settings) -> Iterator[Callable[[Frame], bool]]:
    consumers.start(settings)
    send(settings, EVENTS)
    wait_until(lambda: all_committed(settings), "all is stored")
    consumers.stop(settings)
    rewind.rewind(settings, rewind.Target.of("earliest"))
    yield lambda frame: frame.lag == len(EVENTS) and all(row.state == "STOPPED" for row in frame.partitions)


@contextmanager
def open_transaction(settings: Settings) -> Iterator[Callable[[Frame], bool]]:
    consumers.start(settings)
    send(settings, EVENTS[:1_000])
    wait_until(lambda: all_committed(settings), "some are stored")
    with transaction(settings, EVENTS[1_000:2_000]):
        send(settings, EVENTS[2_000:])
        yield lambda frame: all(row.held_from is not None and row.state == "LAGGING" for row in frame.partitions)


def steady(condition: Callable[[Frame], bool]) -> Frame:
    """What a watcher shows when the condition has held for three seconds."""
    since = math.inf

    def holds(frame: Frame) -> bool:
        nonlocal since
        since = min(since, frame.at) if frame.partitions and condition(frame) else math.inf
        return frame.at - since > 3

    with Watcher(load_settings) as watcher:
        return first(watcher.frames(), holds, "three seconds of the situation")


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run([*line, "--json"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else shown.err


def words(partitions: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("partition", "state", "lag", "position", "end", "owner", "silent", "held_from")
    return [tuple(one[name] for name in names) for one in partitions]


@pytest.mark.parametrize("situation", [frozen_consumer, no_consumers, after_a_rewind, open_transaction])
@pytest.mark.usefixtures("workers_stop")
def test_all_faces_agree(settings: Settings, capsys: pytest.CaptureFixture[str], situation: Situation) -> None:
    with situation(settings) as condition:
        frame = steady(condition)
        watched = words([{name: getattr(row, name) for name in row.__struct_fields__} for row in frame.partitions])
        code, lag = answer(capsys, "lag")
        assert (code, words(lag["partitions"])) == (0, watched)
        assert words(answer(capsys, "lag", "--report")[1]["partitions"]) == watched
        code, status = answer(capsys, "status")
        states = {str(row.partition): row.state for row in frame.partitions}
        assert (status["lag"]["total"], status["lag"]["states"]) == (frame.lag, states)
        assert code == (1 if situation is frozen_consumer else 0), status["troubles"]
        metrics = answer(capsys, "metrics", "--once")[1]
        told = {
            one["labels"]["partition"]: one["value"]
            for one in metrics
            if one["name"] == "clickstream_partition_lag_messages"
        }
        assert told == {str(row.partition): row.lag for row in frame.partitions}


@pytest.mark.usefixtures("workers_stop")
def test_while_postgresql_hangs_every_face_says_so_and_none_shows_the_past_as_now(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    consumers.start(settings)
    send(settings, EVENTS[:1_500])
    wait_until(lambda: all_committed(settings), "half is stored")
    with Watcher(load_settings) as watcher:
        frames = watcher.frames()
        before = next(frame for frame in frames if frame.lag == 0)
        freeze(settings, "postgresql", frozen=True)
        try:
            send(settings, EVENTS[1_500:])
            frame = next(frame for frame in frames if frame.lag and frame.service("postgresql").state == "failed")
            assert all(row.as_of <= before.at + 2 for row in frame.partitions), "they say their age"
            server = next(row for row in frame.processes if row.name == "postgresql")
            assert server.activity == "silent"
            code, status = answer(capsys, "status")
            assert code == 1
            assert status["services"]["postgresql"]["ok"] is False
            assert any(one.startswith("PostgreSQL does not answer") for one in status["troubles"])
            assert (status["lag"]["total"], status["counts"]["events"]) == (None, None)
            code, said = answer(capsys, "lag")
            assert code == 1
            assert "PostgreSQL does not answer" in said
            metrics = answer(capsys, "metrics", "--once")[1]
            up = {one["labels"]["service"]: one["value"] for one in metrics if one["name"] == "clickstream_service_up"}
            assert up == {"kafka": 1, "postgresql": 0, "valkey": 1}
            assert "clickstream_lag_messages" not in {one["name"] for one in metrics}
        finally:
            freeze(settings, "postgresql", frozen=False)
    wait_until(lambda: all_committed(settings), "all is stored")
    wait_until(lambda: answer(capsys, "status")[0] == 0, "all is well again")


def test_without_a_supervisor_every_face_says_that_nothing_runs(
    settings: Settings, restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    control = running(settings.home)
    assert control
    consumers.start(settings)
    os.kill(control.snapshot().supervisor_pid, signal.SIGKILL)
    with Watcher(load_settings) as watcher:
        frame = next(one for one in watcher.frames() if not one.supervisor and one.service("kafka").state == "off")
    reason = frame.service("postgresql").error
    code, status = answer(capsys, "status")
    assert (code, status["services"]["postgresql"]["error"], status["workers"]) == (1, reason, [])
    code, said = answer(capsys, "lag")
    assert code == 1
    assert reason in said
    assert "stack up" in said


def test_on_two_hosts_both_say_the_same_of_the_group(settings: Settings, hosts: tuple[Host, Host]) -> None:  # noqa: F811
    first, second = hosts
    first.answer("consumer", "start", "--count", "2")
    second.answer("consumer", "start", "--count", "1")
    send(settings, EVENTS)
    wait_until(lambda: all_committed(settings), "all is stored")

    def seen(host: Host) -> list[tuple[Any, ...]]:
        found = host.answer("lag")["partitions"]
        return [(one["partition"], one["state"], one["lag"], one["position"]) for one in found]

    assert seen(first) == seen(second)
    for host in hosts:
        assert all(one["owner"] for one in host.answer("lag")["partitions"])
        assert len(host.answer("status")["workers"]) == 3
