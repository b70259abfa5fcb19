"""Workers in the foreground, as containers run them: settings from the environment, real servers, real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions import stack
from clickstream.cli.main import run as clickstream
from clickstream.config.paths import Home
from clickstream.config.settings import Settings
from clickstream.services.kafka.admin import delete_topic
from tests.feed import all_committed, check, send, shop
from tests.waiting import wait_until

EVENTS = 3_000
FIGURES = "clickstream.figures"


class Foreground:
    """One worker; what it logs is kept."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.lines: list[str] = []
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clickstream", "worker", *arguments],
            env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._said:
                self.lines.append(line)
                self._said.notify_all()

    def hears(self, condition: Callable[[str], object]) -> str:
        """The first line for which that holds; waits for it."""
        with self._said:
            assert self._said.wait_for(lambda: any(map(condition, self.lines)), 60), self.lines
            return next(line for line in self.lines if condition(line))

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(30)
        self._reader.join(10)
        assert self.process.stderr
        with self.process.stderr as stderr:
            self.errors = stderr.read()
        assert self.process.stdout
        self.process.stdout.close()
        return code


Start = Callable[..., Foreground]


@pytest.fixture
def environment(settings: Settings, stack_home: Home, tmp_path: Path) -> dict[str, str]:
    """What a container would be given: no home with servers, no `.env`."""
    return dict(os.environ) | stack.env(stack_home) | {"CLICKSTREAM_HOME": str(tmp_path / "container")}


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    running: list[Foreground] = []

    def start(*arguments: str, **variables: str) -> Foreground:
        running.append(Foreground(environment | variables, *arguments))
        return running[-1]

    yield start
    for worker in running:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.wait()


def health(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = clickstream(["worker", "health", "--health-file", str(file), "--json", *options])
    printed = capsys.readouterr().out
    return code, json.loads(printed) if printed else {}


def owned(worker: Foreground) -> set[int]:
    """Its partitions, by what it has logged so far."""
    found: set[int] = set()
    for line in list(worker.lines):
        what, colon, which = json.loads(line)["message"].partition(": partitions ")
        numbers = set(json.loads(which)) if colon else set()
        found = found | numbers if what == "assigned" else found - numbers
    return found


def test_a_consumer_makes_what_is_missing_drains_and_ends_when_asked(
    settings: Settings, start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    file = tmp_path / "health"
    worker = start("consumer", "--log-json", "--health-file", str(file))
    worker.hears(lambda line: "assigned: partitions [0, 1, 2]" in line)
    events = shop(81, EVENTS)
    send(settings, events)
    wait_until(lambda: all_committed(settings), "everything committed")
    wait_until(lambda: health(capsys, file, "--ready")[1].get("state") == "idle", "it says that it is idle")
    assert health(capsys, file, "--ready", "--within", "20s")[0] == 0
    assert file.stat().st_mode & 0o077 == 0

    assert worker.end() == 0
    assert not file.exists()
    assert health(capsys, file)[0] == 1
    check(settings, events)

    assert worker.errors == ""
    lines = [json.loads(line) for line in worker.lines]
    assert {"time", "level", "worker", "host", "logger", "message"} <= lines[0].keys()
    assert {line["worker"] for line in lines} == {f"consumer-{socket.gethostname()}-{worker.process.pid}"}
    [last] = [line for line in lines if line["logger"] == FIGURES][-1:]
    assert (last["events"], last["counters"]["stored"]) == (EVENTS, EVENTS)
    secrets = [settings.postgres.password, settings.valkey.password] if settings.postgres and settings.valkey else []
    assert not any(secret and secret.get_secret_value() in line for secret in secrets for line in worker.lines)


@pytest.mark.slow
def test_two_at_once_on_empty_servers_share_the_partitions(settings: Settings, start: Start) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    pair = [start("consumer", "--log-json", "--name", name) for name in ("a", "b")]

    wait_until(lambda: sorted(len(owned(worker)) for worker in pair) == [1, 2], "both have partitions")
    assert owned(pair[0]) | owned(pair[1]) == {0, 1, 2}
    events = shop(82, EVENTS)
    send(settings, events)
    wait_until(lambda: all_committed(settings), "everything committed")
    assert pair[0].end() == 0
    more = shop(83, EVENTS)
    send(settings, more)
    wait_until(lambda: all_committed(settings), "the other one has taken over")
    assert pair[1].end(signal.SIGINT) == 130
    check(settings, list({*events, *more}))


def test_an_outage_is_waited_for_alive_and_not_ready(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "health"
    with socket.socket() as silent:  # bound, and never listens
        silent.bind(("127.0.0.1", 0))
        worker = start("consumer", "--health-file", str(file), PG_PORT=str(silent.getsockname()[1]))
        said = worker.hears(lambda line: "waiting: " in line)
        assert " WARNING consumer-" in said
        assert "PostgreSQL does not answer" in said
        wait_until(lambda: health(capsys, file)[1].get("state") == "waiting", "the file says so")
        assert health(capsys, file)[0] == 0, "alive: a restart would not bring PostgreSQL back"
        code, found = health(capsys, file, "--ready")
        assert (code, found["ready"]) == (1, False)
        assert "PostgreSQL does not answer" in found["detail"]
        assert worker.end() == 0
    assert sum("waiting: " in line for line in worker.lines) == 1


def test_what_waiting_cannot_fix_is_one_clear_line_and_exit_1(start: Start) -> None:
    worker = start("consumer", "--log-json", PG_PASSWORD="wrong")
    assert worker.wait() == 1
    [error] = [line for line in map(json.loads, worker.lines) if line["level"] == "ERROR"]
    assert "password authentication failed" in error["message"]
    assert "check PG_USER and PG_PASSWORD" in error["message"]


def test_wrong_settings_are_a_line_in_the_log_s_own_form(start: Start) -> None:
    worker = start("consumer", "--log-json", CONSUMER_BATCH_SIZE="many")
    assert worker.wait() == 2
    [line] = worker.lines
    assert json.loads(line)["message"].startswith("CONSUMER_BATCH_SIZE=many: ")
    plain = start("indexer")
    assert plain.wait() == 2
    assert plain.errors.startswith("clickstream: OPENSEARCH_ENABLED is false")
    assert plain.lines == []


def test_a_producer_sends_its_file_and_ends(settings: Settings, start: Start, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    rows = (f"{event.time_ms},{event.visitor_id},view,{event.item_id}," for event in shop(84, 200))
    file.write_text("\n".join(["timestamp,visitorid,event,itemid,transactionid", *rows]) + "\n")
    worker = start("producer", "--log-json", "--file", str(file), "--limit", "50", "--rate", "1000")
    assert worker.wait() == 0
    assert any("50 of 50 events acknowledged" in json.loads(line)["message"] for line in worker.lines)
    missing = start("producer", "--file", str(tmp_path / "none.csv"))
    assert missing.wait() == 2
    assert "none.csv is not there" in missing.errors
