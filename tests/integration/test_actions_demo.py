"""The demo's bookkeeping on a small file; what it prints for a large one is in test_acceptance.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clickstream.actions.demo.progress import DemoProgress, Phase
from clickstream.actions.demo.run import DemoOptions, DemoResult, demo
from clickstream.actions.processes import consumers, producers
from clickstream.actions.processes.workers import local_workers
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.pace import Pace
from tests.feed import query, send

GOOD = [f"{1_430_622_004_384 + second * 1000},{second % 97},view,{second % 13}," for second in range(3_000)]
DOUBLES = GOOD[:40]
BAD = ["x,1,view,1,", "1430622004384,1,look,1,"]


@pytest.fixture(autouse=True)
def data_file(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events.csv"
    lines = ["timestamp,visitorid,event,itemid,transactionid", *GOOD, *BAD, *DOUBLES]
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(path))
    return path


def ran(*, fresh: bool = False, limit: int | None = None) -> tuple[DemoResult, list[DemoProgress]]:
    said: list[DemoProgress] = []
    return demo(load_settings(), DemoOptions(limit, fresh), said.append), said


def busy(settings: Settings) -> list[str]:
    return [worker.name for worker in local_workers(settings) if worker.under_way]


def test_every_line_of_the_file_is_accounted_for(settings: Settings) -> None:
    result, said = ran()
    assert result.ok, result.unaccounted
    assert (result.events, result.duplicates, result.rejected, result.bad_lines) == (3_000, 40, 0, 2)
    assert result.events + result.duplicates + result.rejected + result.bad_lines == len(GOOD + BAD + DOUBLES)
    assert result.seconds > 0
    assert [said[0].phase, said[-1].phase] == [Phase.STACK, Phase.ANALYTICS]
    last = next(word.flow for word in reversed(said) if word.flow)
    assert (last.produced, last.read, sum(last.lag.values())) == (3_040, 3_040, 0)
    assert busy(settings) == []


@pytest.mark.slow
def test_the_same_again_is_duplicates_and_fresh_is_not(settings: Settings) -> None:
    ran()
    again, said = ran(limit=1_000)
    assert (again.events, again.duplicates, again.new) == (3_000, 1_000, 0)
    assert any("3,000 events are stored already" in word.words for word in said)
    fresh, said = ran(limit=1_000, fresh=True)
    assert (fresh.events + fresh.duplicates, fresh.new) == (1_000, fresh.events)
    assert not any("stored already" in word.words for word in said)


@pytest.mark.slow
def test_a_limited_run_waits_for_no_more_than_it_sends(settings: Settings, data_file: Path) -> None:
    data_file.unlink()
    result, said = ran(limit=500)
    assert result.ok, result.unaccounted
    assert result.events + result.duplicates == 500
    assert any("generating only its first 500 events by time" in word.words for word in said)
    assert not data_file.exists()


@pytest.mark.slow
def test_what_waits_in_kafka_is_stored_and_counted_too(settings: Settings) -> None:
    send(settings, [("1", b"no json"), ("2", None)])
    result, said = ran()
    assert result.ok, result.unaccounted
    assert (result.rejected, result.duplicates, result.events) == (2, 40, 3_000)
    assert any("2 messages wait" in word.words for word in said)
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(2,)]


@pytest.mark.slow
def test_a_reject_that_is_replayed_meanwhile_is_not_a_duplicate(settings: Settings) -> None:
    send(settings, [("1", b"no json"), ("2", None)])

    def replay(progress: DemoProgress) -> None:
        if progress.phase is Phase.VERIFY:
            query(settings, "UPDATE rejected_events SET replayed_at = now() RETURNING 1")

    result = demo(load_settings(), DemoOptions(None, False), replay)
    assert result.ok, result.unaccounted
    assert (result.rejected, result.duplicates) == (2, 40)


@pytest.mark.slow
def test_workers_that_ran_before_run_on_and_fresh_stops_them(settings: Settings) -> None:
    consumers.start(settings)
    assert ran()[0].ok
    assert busy(settings) == ["consumer-0", "consumer-1", "consumer-2"]
    assert ran(fresh=True)[0].ok
    assert busy(settings) == []


def test_a_running_producer_is_in_the_way(settings: Settings, data_file: Path) -> None:
    producers.start(settings, producers.SendingRun(data_file, pace=Pace(rate=20)))
    with pytest.raises(ClickstreamError, match="a producer is running"):
        ran()
    assert busy(settings) == ["producer"]
    assert producers.stop(settings).running


def test_other_servers_are_never_emptied(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("KAFKA_BOOTSTRAP_SERVERS", "k:1"), ("PG_HOST", "p"), ("VALKEY_HOST", "v")):
        monkeypatch.setenv(name, value)
    assert run(["demo", "--fresh", "--headless"]) == 2
    assert "embedded stack only" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_worker(settings: Settings, number: signal.Signals, data_file: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "clickstream", "demo", "--headless"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    with process:
        assert process.stderr
        for line in process.stderr:
            if "starting the producer" in line:
                process.send_signal(number)
                break
        words = process.stderr.read()
        assert process.wait(60) == 130, words
    assert "interrupted" in words
    assert "Traceback" not in words
    assert busy(settings) == []
