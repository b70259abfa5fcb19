"""The main jobs while every core is busy, right after the first start of an empty home: slow is not broken.

In CI only, and alone: twice as many loops as cores run beside, as on a machine that is a third as fast.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.control import running
from clickstream.config.paths import Home
from clickstream.config.settings import load_settings
from clickstream.domain.processes import ProcessState
from tests.feed import KINDS, check, shop
from tests.stacks import stack_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(1_800)]

PATIENT = 900
"""Seconds that one command may take: it is asked whether it succeeds, not when."""

LOOP = """
import os, sys, time
parent, end = int(sys.argv[1]), time.monotonic() + 3_600
while os.getppid() == parent and time.monotonic() < end:
    pass
"""


@pytest.fixture(autouse=True)
def busy_machine() -> Iterator[None]:
    """Every core has two others to serve; they end with the test process, however that ends."""
    command = [sys.executable, "-I", "-S", "-c", LOOP, str(os.getpid())]
    loops = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


@pytest.fixture
def empty(shelter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with servers that have just been started for the first time."""
    with stack_in(shelter / f"busy-{tmp_path.name}") as home:
        monkeypatch.setenv("CLICKSTREAM_HOME", str(home.root))
        yield home


def answer(*arguments: str, codes: Collection[int] = (0,)) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "clickstream", *arguments, "--json"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENT, check=False,
    )  # fmt: skip
    assert done.returncode in codes, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_demo_from_nothing(shelter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(shelter / "busy-demo")
    monkeypatch.setenv("CLICKSTREAM_HOME", str(home.root))
    try:
        found = answer("demo", "--headless", "--limit", "20000")
        assert found["verify"]["ok"]
        assert found["events"] + found["duplicates"] == 20_000
    finally:
        answer("stack", "down")
        answer("stack", "reset", "-y")


def test_data_reset(empty: Home) -> None:
    assert answer("data", "reset", "-y")
    assert answer("topic", "show")


def test_benchmark(empty: Home) -> None:
    [run] = answer("benchmark", "--limit", "20000", "--partitions", "1", "--runs", "1", "-y")["runs"]
    assert run["events"] == 20_000


def test_kill_9_of_a_consumer(empty: Home, tmp_path: Path) -> None:
    events = shop(5, 20_000, visitors=400)
    lines = [f"{event.time_ms},{event.visitor_id},{KINDS[event.kind]},{event.item_id}," for event in events]
    file = tmp_path / "events.csv"
    file.write_text("timestamp,visitorid,event,itemid,transactionid\n" + "\n".join(lines) + "\n")
    started = answer("consumer", "start")["started"]
    answer("producer", "start", "--file", str(file))
    control = running(empty)
    assert control
    consumer = control.wait([started[0]], {ProcessState.RUNNING}, PATIENT).get(started[0])
    assert consumer
    assert consumer.pid
    os.kill(consumer.pid, signal.SIGKILL)
    control.wait(["producer"], {ProcessState.FINISHED}, PATIENT)

    def stored() -> bool:
        # 1: something does not answer in time, which on such a machine it may.
        return bool(answer("status", codes=(0, 1))["lag"]["total"] == 0)

    wait_until(stored, "everything stored", seconds=PATIENT)
    answer("consumer", "stop")
    assert answer("verify")["ok"]
    check(load_settings(), events)
