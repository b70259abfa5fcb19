"""A rolling restart: who waits for whom, and what is said when one does not catch up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from clickstream.actions.processes import rolling
from clickstream.actions.processes.rolling import RestartedWorker, roll
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ProcessSpec, ProcessState, ProcessStatus, Role, Snapshot
from clickstream.domain.reports import WorkerReport

NAMES = ("consumer-0", "consumer-1", "consumer-2")
SPECS = [ProcessSpec(name=name, role=Role.CONSUMER, argv=("worker",)) for name in NAMES]


def snapshot(**reports: WorkerReport | None) -> Snapshot:
    """Of three consumers by number (`c0`, ...); those not named own a partition each and have nothing to do."""
    processes = []
    for number, name in enumerate(NAMES):
        report = reports.get(f"c{number}", idle(number))
        state = ProcessState.STOPPED if report is None else ProcessState.RUNNING
        processes.append(ProcessStatus(name=name, role=Role.CONSUMER, state=state, pid=number, report=report))
    return Snapshot(at=0.0, supervisor_pid=1, processes=tuple(processes))


def idle(*partitions: int, lag: int | None = 0, state: str = "idle", detail: str = "") -> WorkerReport:
    return WorkerReport(at=0.0, state=state, detail=detail, partitions=partitions, lag=lag)


class Supervisor:
    """Shows snapshots one after the other, the last one again and again, and notes what it is told."""

    def __init__(self, *shown: Snapshot) -> None:
        self._shown = list(shown)
        self.steps: list[str] = []

    def snapshot(self) -> Snapshot:
        return snapshot()

    def watch(self) -> Iterator[Snapshot]:
        while True:
            self.steps.append("look")
            yield self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]

    def stop(self, names: Sequence[str]) -> None:
        self.steps += [f"stop {name}" for name in names]

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        self.steps += [f"start {spec.name}" for spec in specs]

    def wait(self, *_: object) -> Snapshot:
        return self.snapshot()


def rolled(supervisor: Any) -> list[str]:
    told: list[RestartedWorker] = []
    found = roll(supervisor, SPECS, told.append)
    assert list(found) == told
    return [one.name for one in told]


def test_the_next_one_is_stopped_when_the_one_before_has_caught_up() -> None:
    supervisor = Supervisor(
        snapshot(c0=idle(lag=None)),  # back, without partitions yet
        snapshot(c0=idle(0, lag=None)),  # has one, and does not know yet how far behind it is
        snapshot(c0=idle(0, lag=9_000)),
        snapshot(c0=idle(0, lag=0, state="waiting")),
        snapshot(c0=idle(0), c1=idle()),  # all but one partition have an owner
        snapshot(),
    )
    assert rolled(supervisor) == list(NAMES)
    assert supervisor.steps == [
        "stop consumer-0", "start consumer-0", *["look"] * 6,
        "stop consumer-1", "start consumer-1", "look",
        "stop consumer-2", "start consumer-2", "look",
    ]  # fmt: skip


def test_a_backlog_that_was_there_before_is_not_waited_for() -> None:
    class Behind(Supervisor):
        def snapshot(self) -> Snapshot:
            return snapshot(c2=idle(2, lag=50_000))

    assert rolled(Behind(snapshot(c2=idle(2, lag=49_000)))) == list(NAMES)


def test_one_that_does_not_catch_up_stops_the_roll_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "CAUGHT_UP_WITHIN", 0.0)
    supervisor = Supervisor(snapshot(c0=idle(0, lag=9_000, state="waiting", detail="PostgreSQL does not answer")))
    with pytest.raises(ClickstreamError) as caught:
        rolled(supervisor)
    assert "PostgreSQL does not answer; not restarted: consumer-1, consumer-2" in str(caught.value.args[0])
    assert "stop consumer-1" not in supervisor.steps


def test_one_that_dies_after_its_restart_stops_the_roll() -> None:
    dead = ProcessStatus(
        name="consumer-0", role=Role.CONSUMER, state=ProcessState.FAILED, exit_reason="exit code 2: PG_PORT: wrong"
    )
    found = Snapshot(at=0.0, supervisor_pid=1, processes=(dead, *snapshot().processes[1:]))
    with pytest.raises(ClickstreamError, match="PG_PORT: wrong; not restarted: consumer-1, consumer-2"):
        rolled(Supervisor(found))
