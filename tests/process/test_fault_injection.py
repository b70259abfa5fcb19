"""Faults against a real pipeline: each is injected, reverted and proved; and the proof finds what was lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from clickstream.actions.control import Control, running
from clickstream.actions.faults import proof
from clickstream.actions.faults.catalogue import FAULTS
from clickstream.actions.faults.inject import Injection, inject, prepare
from clickstream.actions.faults.timeline import Step
from clickstream.actions.processes import consumers, producers
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import UsageError
from clickstream.domain.pace import Pace
from clickstream.domain.processes import ProcessState, Role
from tests.campaign.truth import write_input
from tests.feed import all_committed, query, send, shop
from tests.waiting import wait_until

SHORT = 1.5
"""Seconds that a fault lasts here; a consumer's freeze must outlast the group's patience."""

QUICK = ("kill-consumer", "burst-bad")
"""Those that are tried in every test run; the others take their turn with the slow tests."""


@pytest.fixture
def settings(settings: Settings, restored: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Two consumers at work on a topic of their own, and a producer that sends for some seconds."""
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "200")
    settings = load_settings()
    consumers.start(settings, count=2)
    file = tmp_path / "events.csv"
    write_input(file, 5, 12_000, visitors=300)
    producers.start(settings, producers.SendingRun(file, pace=Pace(rate=2_000)))
    return settings


def control_of(settings: Settings) -> Control:
    control = running(settings.home)
    assert control
    return control


def owned(settings: Settings) -> set[int]:
    reports = [one.report for one in control_of(settings).snapshot().of(Role.CONSUMER) if one.report]
    return {number for report in reports for number in report.partitions}


def injected(settings: Settings, name: str) -> Injection:
    fault = next(fault for fault in FAULTS if fault.name == name)
    lasts = SHORT
    if name == "freeze-consumer":
        lasts = 12.0
        wait_until(lambda: owned(settings) == {0, 1, 2}, "every partition is somebody's")
    return inject(settings, name, seconds=lasts if fault.seconds else None)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(fault.name, marks=[] if fault.name in QUICK else pytest.mark.slow)
        for fault in FAULTS
        if not fault.unavailable
    ],
)
def test_a_fault_is_reverted_and_proved_to_lose_nothing(settings: Settings, name: str) -> None:
    found = injected(settings, name)
    assert found.ok, found.line
    assert found.line.endswith("verify: 0 lost, 0 doubled")
    assert found.proof
    assert not found.proof.cut
    processes = control_of(load_settings()).snapshot().processes
    assert all(process.state is ProcessState.RUNNING for process in processes if process.role is Role.SERVER)
    assert sum(process.state is ProcessState.RUNNING for process in processes if process.role is Role.CONSUMER) == 2
    assert not any(process.role is Role.FAULT for process in processes)
    if name == "freeze-consumer":
        assert "taken over" in found.line


def test_the_proof_finds_events_and_rejects_that_are_not_stored(settings: Settings) -> None:
    producers.stop(settings)
    since = proof.sample(settings)
    send(settings, shop(3, 500))
    send(settings, [("7", b"not json"), ("8", None), ("7", b"not json either")])
    wait_until(lambda: all_committed(settings), "everything committed")
    ends = proof.sample(settings).ends
    whole = proof.prove(settings, since, ends)
    assert (whole.lost, whole.ok) == (0, True)
    assert whole.messages >= 503
    query(settings, "DELETE FROM rejected_events WHERE payload IS NULL RETURNING 1")
    [(visitor, *_)] = query(settings, "DELETE FROM events WHERE ctid = (SELECT max(ctid) FROM events) RETURNING *")[:1]
    found = proof.prove(settings, since, ends)
    assert found.lost >= 2
    assert len(found.places) == found.lost
    assert not found.ok
    assert visitor is not None


@pytest.mark.slow
def test_one_is_not_struck_twice_at_a_time_and_what_runs_can_be_chosen(settings: Settings) -> None:
    steps: list[Step] = []
    with pytest.raises(UsageError, match="no consumer-7 is running"):
        prepare(settings, "kill-consumer", on="consumer-7")
    with pytest.raises(UsageError, match="nothing to choose"):
        prepare(settings, "kill-kafka", on="kafka")
    found = inject(settings, "kill-consumer", on="consumer-1", note=steps.append)
    assert found.ok
    assert steps[0].detail.startswith("consumer-1, process")


def cli(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clickstream", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def frozen(settings: Settings, name: str) -> bool:
    process = control_of(settings).snapshot().get(name)
    return process is not None and psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def test_ctrl_c_takes_the_fault_back_at_once(settings: Settings) -> None:
    with cli("faults", "inject", "freeze-postgresql", "--for", "300s") as command:
        wait_until(lambda: frozen(settings, "postgresql"), "frozen")
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 130
    assert not frozen(settings, "postgresql")


@pytest.mark.slow
def test_kill_9_of_the_command_leaves_nothing_frozen(settings: Settings) -> None:
    with cli("faults", "inject", "freeze-postgresql", "--for", "3s") as command:
        wait_until(lambda: frozen(settings, "postgresql"), "frozen")
        command.kill()
    wait_until(lambda: not frozen(settings, "postgresql"), "thawed")


def test_the_command_line_prints_one_json_document_and_talks_on_stderr(settings: Settings) -> None:
    with cli("faults", "inject", "kill-valkey", "--json") as command:
        out, err = command.communicate(timeout=120)
    found = json.loads(out)
    assert command.returncode == 0, err
    assert (found["fault"], found["ok"], found["lost"], found["doubled"]) == ("kill-valkey", True, 0, 0)
    assert [step["what"] for step in found["steps"]][:2] == ["killed", "restarted"]
    assert "restarted (valkey)" in err


def test_without_consumers_nothing_is_broken(settings: Settings) -> None:
    consumers.stop(settings)
    before = control_of(settings).snapshot().get("kafka")
    with cli("faults", "inject", "kill-kafka") as command:
        _, err = command.communicate(timeout=60)
    assert command.returncode == 2
    assert "no consumer is running" in err
    after = control_of(settings).snapshot().get("kafka")
    assert before
    assert after
    assert before.pid == after.pid
