"""A benchmark on real servers leaves nothing behind, in whatever stage and way it ends, and the user's data alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from clickstream.actions.benchmark.history import Record, read_records
from clickstream.actions.benchmark.load import Mode
from clickstream.actions.benchmark.series import Options, benchmark
from clickstream.actions.control import running
from clickstream.actions.data import generate
from clickstream.actions.processes import consumers
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.domain.processes import ProcessState, Role
from clickstream.pipeline.events.generator import RETAILROCKET
from clickstream.services.kafka.admin import describe_topic, read_offsets
from clickstream.services.kafka.config import client_config
from clickstream.services.valkey.connection import connect as connect_valkey
from tests.consuming import drain
from tests.feed import query, send, shop
from tests.waiting import wait_until

EVENTS = 20_000

BROKEN = b"no event at all\n"

Happens = Callable[[Settings], object]
"""What happens in a stage; True: the user cancels."""


@pytest.fixture
def user(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers_stop: None) -> Iterator[Settings]:
    """Settings of a user who has data already, and a file with a bad line."""
    shape = RETAILROCKET.scaled(1.2 * EVENTS / RETAILROCKET.rows)
    file = generate.generate(tmp_path / "events.csv", shape=shape).path
    with file.open("ab") as csv:
        csv.write(BROKEN)
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(file))
    send(settings, shop(5, 500))
    drain(settings)
    (settings.home.rejects / "20250529T115807Z-4201.rejects.csv").write_text('line,reason,text\n1,"?",x\n')
    yield load_settings()
    (settings.home.root / "benchmarks.jsonl").unlink(missing_ok=True)


def kafka(settings: Settings) -> AdminClient:
    assert settings.kafka
    return AdminClient(client_config(settings.kafka, client_id="tests"))


def of_benchmarks(settings: Settings) -> dict[str, Any]:
    """Everything on the servers and on this machine that is a benchmark's."""
    assert settings.valkey
    admin = kafka(settings)
    groups = admin.list_consumer_groups().result().valid
    control = running(settings.home)
    assert control
    with connect_valkey(settings.valkey) as client:
        keys = list(client.scan_iter("*benchmark*"))
    schemas = query(settings, "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%%benchmark%%'")
    return {
        "topics": [name for name in admin.list_topics(timeout=10).topics if "benchmark" in name],
        "groups": [group.group_id for group in groups if "benchmark" in group.group_id],
        "schemas": schemas,
        "keys": keys,
        "workers": [one.name for one in control.snapshot().processes if one.name.startswith("benchmark-")],
        "processes": [one.pid for one in psutil.process_iter() if is_worker(one, settings.home)],
        "left": (settings.home.run / "benchmark.lock").read_text(),
    }


def is_worker(process: psutil.Process, home: Home) -> bool:
    """A benchmark's, of this home."""
    try:
        line, theirs = process.cmdline(), process.environ().get("CLICKSTREAM_HOME")
        return theirs == str(home.root) and "worker" in line and any("benchmark-" in word for word in line)
    except psutil.Error:
        return False


def of_the_user(settings: Settings) -> dict[str, Any]:
    assert settings.kafka
    assert settings.postgres
    assert settings.valkey
    topic = describe_topic(settings.kafka, settings.kafka.events_topic)
    assert topic
    with connect_valkey(settings.valkey) as client:
        found = client.scan_iter(f"clickstream:window:{settings.postgres.schema_name}:*")
        keys = {key: client.dump(key) for key in found}
    assert keys
    tables = ("events", "sessions", "consumer_offsets", "rejected_events", "session_days", "visitor_homes")
    return {
        "topic": topic,
        "offsets": read_offsets(settings.kafka, topic),
        "rows": {table: query(settings, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables},
        "keys": keys,
        "rejects": {file.name: file.read_bytes() for file in settings.home.rejects.iterdir()},
    }


def nothing_left(settings: Settings) -> None:
    left = {what: those for what, those in of_benchmarks(settings).items() if those}
    assert not left


def run(settings: Settings, stage: str, happens: Happens, mode: Mode = Mode.DRAIN) -> tuple[list[str], Record | None]:
    """Run a benchmark in which that happens when it first says `stage`; what it said, and its record."""
    said: list[str] = []
    cancelled = False

    def say(words: str, _done: int, _total: int) -> None:
        nonlocal cancelled
        first = words.startswith(stage) and not any(word.startswith(stage) for word in said)
        said.append(words)
        if first:
            assert any(of_benchmarks(settings).values())  # else it would be no wonder that nothing is left
            cancelled = happens(settings) is True

    options = Options(limits=(EVENTS,), partitions=(2,), mode=mode)
    return said, benchmark(settings, options, say, lambda _: None, lambda: cancelled)


def cancels(_settings: Settings) -> bool:
    return True


def presses_ctrl_c(_settings: Settings) -> None:
    raise KeyboardInterrupt


def breaks(_settings: Settings) -> None:
    raise RuntimeError("a fault of ours")


def kills_a_consumer(settings: Settings) -> None:
    control = running(settings.home)
    assert control
    victim = control.snapshot().get("benchmark-1")
    assert victim
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "stage", "happens", "error"),
    [
        (Mode.DRAIN, "producing", cancels, Interrupted),
        (Mode.DRAIN, "producing", breaks, RuntimeError),
        (Mode.DRAIN, "reading", cancels, Interrupted),
        (Mode.DRAIN, "reading", presses_ctrl_c, KeyboardInterrupt),
        (Mode.DRAIN, "reading", kills_a_consumer, ClickstreamError),
        (Mode.LIVE, "reading", cancels, Interrupted),
        (Mode.DRAIN, "verifying", cancels, Interrupted),
        (Mode.DRAIN, "measuring", breaks, RuntimeError),
    ],
)
def test_a_run_that_does_not_end_well_leaves_nothing(
    user: Settings, mode: Mode, stage: str, happens: Happens, error: type[BaseException]
) -> None:
    before = of_the_user(user)
    with pytest.raises(error):
        run(user, stage, happens, mode)
    nothing_left(user)
    assert of_the_user(user) == before
    assert read_records(user.home) == []


@pytest.mark.parametrize("mode", [Mode.DRAIN, pytest.param(Mode.LIVE, marks=pytest.mark.slow)])
def test_a_run_that_ends_well_leaves_its_figures_only(user: Settings, mode: Mode) -> None:
    before = of_the_user(user)
    said, record = run(user, "verifying", lambda _: None, mode)
    nothing_left(user)
    assert of_the_user(user) == before
    assert record is not None
    assert read_records(user.home) == [record]
    [one] = record.runs
    assert one.verified
    assert one.asked == EVENTS
    assert set(one.cpu) == {"consumers", "kafka", "postgresql"}
    assert set(one.latency_ms) == ({"p50", "p95", "p99"} if mode is Mode.LIVE else set())
    assert said[-1] == "measuring how fast PostgreSQL alone takes these rows"


def started() -> subprocess.Popen[str]:
    """A benchmark that takes ten seconds, however fast the machine is."""
    command = [sys.executable, "-m", "clickstream", "benchmark", "-y", "--limit", f"{EVENTS}", "--partitions", "2"]
    paced = [*command, "--mode", "live", "--rate", f"{EVENTS // 10}"]
    return subprocess.Popen(paced, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_it_reads(user: Settings) -> None:
    control = running(user.home)
    assert control

    def reads() -> bool:
        ours = (one for one in control.snapshot().of(Role.CONSUMER) if one.name.startswith("benchmark-"))
        return any(one.state is ProcessState.RUNNING for one in ours)

    wait_until(reads, "the benchmark's consumers run")


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM], ids=lambda kill: kill.name)
def test_a_command_that_is_interrupted_leaves_nothing(user: Settings, kill: signal.Signals) -> None:
    before = of_the_user(user)
    with started() as process:
        until_it_reads(user)
        process.send_signal(kill)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == 130, talk
    assert "Traceback" not in talk
    nothing_left(user)
    assert of_the_user(user) == before


@pytest.mark.slow
def test_what_a_killed_command_left_the_next_one_removes(user: Settings) -> None:
    before = of_the_user(user)
    with started() as process:
        until_it_reads(user)
        with pytest.raises(ClickstreamError, match="running in this home already"):
            run(user, "", breaks)
        process.kill()
        process.communicate(timeout=60)
    left = of_benchmarks(user)
    assert left["topics"]
    assert left["schemas"]
    assert left["workers"]
    _, record = run(user, "verifying", lambda _: None)
    assert record is not None
    nothing_left(user)
    assert of_the_user(user) == before


@pytest.mark.slow
def test_what_is_not_a_benchmarks_own_keeps_it_from_starting(user: Settings) -> None:
    consumers.start(user, count=1)
    with pytest.raises(ClickstreamError, match="consumer-0 would share the machine"):
        run(user, "", breaks)
    control = running(user.home)
    assert control
    assert [one.name for one in control.snapshot().processes if one.name == "consumer-0" and one.pid]
