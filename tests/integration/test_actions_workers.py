"""The commands around the workers, against real servers: what they do, say and refuse."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.control import running
from clickstream.actions.processes import consumers, producers
from clickstream.cli.main import run
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ProcessState, Role
from clickstream.services.kafka.admin import delete_topic, describe_topic, read_offsets
from clickstream.services.valkey.connection import PREFIX, connect
from tests.feed import all_committed, check, observed, query, sampled, send, shop
from tests.waiting import wait_until

EVENTS = shop(11, 400)
CSV = "timestamp,visitorid,event,itemid,transactionid\n" + "".join(
    f"{1_430_622_004_384 + second * 1000},{second % 7},view,{second},\n" for second in range(2_000)
)


@pytest.fixture(autouse=True)
def _workers_stop(workers_stop: None) -> None:
    """After each test."""


@pytest.fixture
def data_file(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events.csv"
    path.write_text(CSV)
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(path))
    return path


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    """What a command prints as JSON, and nothing else."""
    capsys.readouterr()
    assert run([*line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], code: int, *line: str) -> str:
    """The one line of a command that refuses; what was typed wrongly has the command's usage before it."""
    capsys.readouterr()
    assert run(line) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    *usage, refused = shown.err.splitlines()
    assert not usage or usage[0].startswith("Usage: clickstream")
    return refused


@contextmanager
def seen_running() -> Iterator[list[int]]:
    """How many consumers ran, in each of the supervisor's snapshots of the block."""
    control = running(Home.from_environment())
    assert control
    over = threading.Event()
    found: list[int] = []

    def look() -> None:
        for snapshot in control.watch():
            found.append(sum(one.state is ProcessState.RUNNING for one in snapshot.of(Role.CONSUMER)))
            if over.is_set():
                return

    watching = threading.Thread(target=look)
    watching.start()
    yield found
    over.set()
    watching.join(30)


def test_consumers_make_what_they_need_and_store_what_comes(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    started = answer(capsys, "consumer", "start")
    assert started["started"] == ["consumer-0", "consumer-1", "consumer-2"]
    assert answer(capsys, "consumer", "start")["kept"] == started["started"]
    send(settings, EVENTS)
    wait_until(lambda: all_committed(settings), "all stored")
    check(settings, EVENTS)
    found = answer(capsys, "consumer", "list")
    assert [(one["name"], one["state"]) for one in found] == [(name, "running") for name in started["started"]]
    assert answer(capsys, "consumer", "stop", "consumer-1")["stopped"] == ["consumer-1"]
    assert answer(capsys, "consumer", "restart", "consumer-1")["restarted"] == ["consumer-1"]
    assert answer(capsys, "consumer", "logs", "consumer-0", "-n", "3")
    assert len(answer(capsys, "consumer", "stop")["stopped"]) == 3
    assert answer(capsys, "consumer", "stop")["stopped"] == []


@pytest.mark.slow
def test_a_restart_goes_one_after_the_other(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    started = answer(capsys, "consumer", "start")["started"]
    with seen_running() as at_work:
        assert answer(capsys, "consumer", "restart")["restarted"] == started
    assert min(at_work) == 2
    assert answer(capsys, "consumer", "restart", "--all-at-once")["restarted"] == started


@pytest.mark.slow
def test_more_consumers_than_partitions_are_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert "4 consumers for 3 partitions" in refusal(capsys, 2, "consumer", "start", "--count", "4")
    assert consumers.start(settings, count=2).started == ("consumer-0", "consumer-1")
    assert consumers.start(settings, count=3).started == ("consumer-2",)
    assert "3 consumers are running" in refusal(capsys, 2, "consumer", "start", "--count", "1")
    assert "no consumer is called missing" in refusal(capsys, 2, "consumer", "stop", "missing")


def test_the_producer_sends_the_file_again_and_again(
    settings: Settings, data_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for runs in (1, 2):
        assert answer(capsys, "producer", "start", "--limit", "1500")["name"] == "producer"
        wait_until(lambda: not producers.under_way(settings), "the producer is done")
        found = answer(capsys, "producer", "status")
        assert (found["state"], found["events"], found["counters"]["total"]) == ("finished", 1500, 1500)
        assert sum(sampled(settings).ends.values()) == 1500 * runs


def test_a_producer_can_be_stopped_and_says_how_far_it_came(
    settings: Settings, data_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "producer", "start", "--rate", "50")
    assert "a producer is running already" in refusal(capsys, 1, "producer", "start")
    wait_until(lambda: bool(producers.status(settings).events), "some are sent")  # type: ignore[union-attr]
    stopped = answer(capsys, "producer", "stop")
    assert stopped["running"]
    assert 0 < stopped["acknowledged"] < stopped["total"] == 2_000
    topic = describe_topic(settings.kafka, settings.kafka.events_topic)  # type: ignore[arg-type, union-attr]
    held = read_offsets(settings.kafka, topic)  # type: ignore[arg-type]
    assert sum(offsets.end for offsets in held.values()) == stopped["acknowledged"]
    assert not answer(capsys, "producer", "stop")["running"]


def test_refusals_of_the_producer(settings: Settings, data_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "/nope does not exist" in refusal(capsys, 1, "producer", "start", "--file", "/nope")
    assert "is not a file" in refusal(capsys, 1, "producer", "start", "--file", str(data_file.parent))
    assert "exclude one another" in refusal(capsys, 2, "producer", "start", "--rate", "1", "--realtime")
    assert "not a speed" in refusal(capsys, 2, "producer", "start", "--realtime", "fast")


UNREADABLE = {
    "seconds": (re.sub(r"(?m)^(\d{10})\d{3}", r"\1", CSV).encode(), "look like seconds"),
    "UTF-16": (CSV.encode("utf-16"), "is encoded as UTF-16LE"),
    "bad lines only": (CSV.replace("view", "look").encode(), "all 2,000 lines are bad; line 2: event must be view"),
    "another header": (CSV.replace("onid\n", "onid,ip\n").encode(), "column 6 is 'ip'"),
    "the header only": (CSV.partition("\n")[0].encode(), "holds the header and no event"),
    "cut": (gzip.compress(CSV.encode())[:-9], "is a gzip file that is cut or damaged"),
}


@pytest.mark.parametrize(("content", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_every_command_says_itself_why_a_file_cannot_be_read_and_starts_nothing(
    settings: Settings, data_file: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    before = producers.status(settings)
    data_file.write_bytes(content)
    for line in (["producer", "start"], ["demo", "--headless"], ["benchmark", "-y"]):
        assert words in refusal(capsys, 1, *line)
    assert run(["config", "check", "--json"]) == 1
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert words in checks["data file"]["message"]
    assert producers.status(settings) == before
    data_file.write_text(CSV)
    assert answer(capsys, "producer", "start", "--limit", "1")["counters"]["total"] == 1


def test_a_file_that_goes_bad_before_it_is_read_is_not_tried_again(
    settings: Settings, data_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data_file.write_bytes(UNREADABLE["cut"][0])
    with monkeypatch.context() as patch:
        patch.setattr("clickstream.pipeline.events.csvfile.reader.refuse_unreadable", lambda path: None)
        assert "is a gzip file that is cut or damaged" in refusal(capsys, 1, "producer", "start")
    ended = producers.status(settings)
    assert ended
    assert (ended.state, ended.restarts) == ("failed", 0)
    assert "exit code 4: " in ended.exit_reason
    data_file.write_text(CSV)
    assert answer(capsys, "producer", "start", "--limit", "1")["counters"]["total"] == 1


def test_a_missing_topic_is_named(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    for line in (("lag",), ("topic", "show")):
        assert f"topic {settings.kafka.events_topic} does not exist" in refusal(capsys, 1, *line)


def test_lag_is_what_is_not_stored_yet(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    send(settings, EVENTS)
    found = observed(settings)
    assert found.lag == len(EVENTS)
    assert {one.state for one in found.partitions} == {"STOPPED"}
    consumers.start(settings)
    wait_until(lambda: all_committed(settings), "all stored")
    found = observed(settings)
    assert found.lag == 0
    assert {one.state for one in found.partitions} == {"OK"}
    wait_until(lambda: all(one.owner for one in observed(settings).partitions), "each partition has an owner")


def test_status_has_the_contract_s_shape(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    consumers.start(settings)
    send(settings, EVENTS)
    wait_until(lambda: all_committed(settings), "all stored")
    found = answer(capsys, "status")
    assert set(found) >= {"services", "workers", "topic", "lag", "counts", "obstacles"}
    assert {name: service["ok"] for name, service in found["services"].items()} == {
        "kafka": True, "postgresql": True, "valkey": True, "opensearch": None,
    }  # fmt: skip
    for service in found["services"].values():
        assert set(service) == {"ok", "version", "latency_ms", "error", "aiven_state", "aiven_error"}
    keys = {
        "name", "role", "pid", "state", "partitions", "events_per_second", "lag", "restarts", "rss_bytes",
        "uptime_seconds",
    }  # fmt: skip
    assert all(keys <= set(worker) for worker in found["workers"])
    assert [worker["role"] for worker in found["workers"]] == ["consumer"] * 3
    assert found["topic"] == {"name": settings.kafka.events_topic, "partitions": 3, "messages": len(EVENTS)}  # type: ignore[union-attr]
    assert found["lag"].pop("at")
    assert found["lag"] == {
        "total": 0,
        "partitions": {"0": 0, "1": 0, "2": 0},
        "states": {"0": "OK", "1": "OK", "2": "OK"},
        "opensearch": None,
    }
    assert (found["ok"], found["troubles"], found["home"]) == (True, [], str(settings.home.root))
    assert found["counts"]["events"] == len(set(EVENTS))
    assert found["counts"]["sessions"] == query(settings, "SELECT count(*) FROM sessions")[0][0]


def test_status_and_check_tell_a_server_that_is_away(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, port in (("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("PG_PORT", "1"), ("VALKEY_PORT", "1")):
        monkeypatch.setenv(name, port)
    for name in ("PG_HOST", "VALKEY_HOST"):
        monkeypatch.setenv(name, "127.0.0.1")
    capsys.readouterr()
    assert run(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [service["ok"] for service in found["services"].values()] == [False, False, False, None]
    assert "refused" in found["services"]["postgresql"]["error"]
    assert (found["topic"]["messages"], found["lag"]["total"], found["counts"]["events"]) == (None, None, None)
    assert run(["config", "check", "--json"]) == 1
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert [checks[name]["state"] for name in ("kafka", "postgresql", "valkey")] == ["failed"] * 3
    assert all(checks[name]["hint"] for name in ("kafka", "postgresql", "valkey"))


def test_the_doctor_finds_wrong_passwords(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["config", "check"]) == 0
    monkeypatch.setenv("PG_PASSWORD", "wrong")
    monkeypatch.setenv("VALKEY_PASSWORD", "wrong")
    capsys.readouterr()
    assert run(["config", "check"]) == 1
    shown = capsys.readouterr().out
    assert "check PG_USER and PG_PASSWORD" in shown
    assert "check VALKEY_USER and VALKEY_PASSWORD" in shown


def test_before_the_first_stack_everything_says_so(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "new"))
    found = answer(capsys, "status")
    assert [service["ok"] for service in found["services"].values()] == [False, False, False, None]
    for line in (["lag"], ["verify"], ["consumer", "start"], ["data", "reset", "-y"]):
        assert "stack up" in refusal(capsys, 1, *line)


def test_reset_empties_all_that_is_ours_and_asks_first(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.valkey
    assert settings.kafka
    consumers.start(settings)
    send(settings, EVENTS)
    wait_until(lambda: all_committed(settings), "all stored")
    assert "workers are running" in refusal(capsys, 1, "data", "reset", "-y")
    consumers.stop(settings)
    assert "no terminal" in refusal(capsys, 2, "data", "reset")
    with connect(settings.valkey) as valkey:
        valkey.set(f"{PREFIX}some", "1")
        valkey.set("other", "1")
        assert answer(capsys, "data", "reset", "-y")["valkey_keys"] >= 1
        assert valkey.get("other") == b"1"
        assert not list(valkey.scan_iter(f"{PREFIX}*"))
        valkey.delete("other")
    found = answer(capsys, "status")
    assert (found["topic"]["partitions"], found["topic"]["messages"], found["counts"]["events"]) == (3, 0, 0)
    assert answer(capsys, "verify")["ok"]


def test_another_session_timeout_is_refused(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    consumers.prepare(settings)
    monkeypatch.setenv("CONSUMER_SESSION_TIMEOUT_MINUTES", "10")
    assert "timeout of 30 minutes" in refusal(capsys, 1, "consumer", "start")
    with pytest.raises(ClickstreamError):
        consumers.prepare(load_settings())
