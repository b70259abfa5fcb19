"""kill -9 of anything, in the middle of a run: what is stored in the end is what the definition says."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.processes import consumers
from clickstream.actions.verify import sessions as verify
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.processes import ProcessState
from tests.feed import all_committed, check, query, send, shop
from tests.oracle import Event
from tests.waiting import wait_until

EVENTS = 12_000
BATCH_SIZE = 100


@pytest.fixture
def settings(settings: Settings, restored: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", str(BATCH_SIZE))
    return load_settings()


@pytest.fixture
def events() -> list[Event]:
    return shop(11, EVENTS, visitors=400)


def pid_of(settings: Settings, name: str) -> int:
    control = running(settings.home)
    assert control
    process = control.snapshot().get(name)
    assert process
    assert process.pid
    return process.pid


def stored(settings: Settings) -> int:
    return int(query(settings, "SELECT count(*) FROM events")[0][0])


def begin(settings: Settings, events: list[Event]) -> None:
    """Consumers run, and are in the middle of the first half of the events."""
    consumers.start(settings)
    send(settings, events[: EVENTS // 2])
    wait_until(lambda: stored(settings) > BATCH_SIZE, "some events stored")


def finish(settings: Settings, events: list[Event]) -> None:
    """The other half, and the proof."""
    send(settings, events[EVENTS // 2 :])
    wait_until(lambda: all_committed(settings), "everything committed")
    consumers.stop(settings)
    assert verify.verify(settings).ok
    check(settings, events)


@pytest.mark.parametrize(
    "name",
    [
        "consumer-0",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("kafka", "postgresql", "valkey")),
    ],
)
def test_kill_9_in_the_middle_of_a_run(settings: Settings, events: list[Event], name: str) -> None:
    begin(settings, events)
    killed = pid_of(settings, name)
    os.kill(killed, signal.SIGKILL)
    control = running(settings.home)
    assert control
    wait_until(lambda: (now := control.snapshot().get(name)) is not None and now.restarts > 0, f"{name} restarted")
    control.wait([name], {ProcessState.RUNNING}, 60)
    finish(settings, events)


@pytest.mark.slow
def test_kill_9_of_the_supervisor_leaves_nothing_unowned(settings: Settings, events: list[Event]) -> None:
    begin(settings, events)
    control = running(settings.home)
    assert control
    snapshot = control.snapshot()
    owned = [psutil.Process(process.pid) for process in snapshot.processes if process.pid]
    os.kill(snapshot.supervisor_pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(owned, timeout=60)
    assert not alive
    stack.up(settings.home)
    consumers.start(load_settings())
    finish(load_settings(), events)


@pytest.mark.slow
def test_stack_down_leaves_nothing_and_up_again_keeps_everything(settings: Settings, events: list[Event]) -> None:
    begin(settings, events)
    control = running(settings.home)
    assert control
    snapshot = control.snapshot()
    owned = [psutil.Process(process.pid) for process in snapshot.processes if process.pid]
    owned.append(psutil.Process(snapshot.supervisor_pid))
    stack.down(settings.home)
    _, alive = psutil.wait_procs(owned, timeout=5)
    assert not alive
    stack.up(settings.home)
    consumers.start(load_settings())
    finish(load_settings(), events)
