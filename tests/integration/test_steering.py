"""A producer that is steered while it runs, by the command line, against real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.control import running
from clickstream.actions.processes import producers
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.pace import Pace
from clickstream.services.kafka.admin import describe_topic, read_offsets
from tests.waiting import wait_until

EVENTS = 50_000
CSV = "timestamp,visitorid,event,itemid,transactionid\n" + "".join(
    f"{1_430_622_004_384 + second * 1000},{second % 7},view,{second},\n" for second in range(EVENTS)
)


@pytest.fixture
def steered(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a home whose producer sends one event a minute, or so."""
    path = tmp_path / "events.csv"
    path.write_text(CSV)
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(path))
    settings = load_settings()
    producers.start(settings, producers.SendingRun(path, pace=Pace(rate=0.02)))
    yield settings
    control = running(settings.home)
    assert control
    control.stop(["producer"])
    control.remove(["producer"])


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    capsys.readouterr()
    assert run(["producer", *line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def messages(settings: Settings) -> int:
    assert settings.kafka
    topic = describe_topic(settings.kafka, settings.kafka.events_topic)
    assert topic
    return sum(offsets.end for offsets in read_offsets(settings.kafka, topic).values())


def test_pace_pause_and_resume_lose_and_double_nothing(steered: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "pace", "--rate", "4000")["pace"] == "4000 events/s"
    wait_until(lambda: messages(steered) > 100, "the new rate is kept")
    paused = answer(capsys, "pause")
    assert (paused["state"], paused["activity"]) == ("running", "paused")
    assert answer(capsys, "pace", "--realtime", "500x")["pace"] == "500x realtime"
    assert answer(capsys, "status")["activity"] == "paused"
    before = messages(steered)
    resumed = answer(capsys, "resume")
    assert (resumed["activity"], resumed["pace"]) == ("running", "500x realtime")
    wait_until(lambda: messages(steered) > before, "it goes on")
    assert messages(steered) < EVENTS
    assert answer(capsys, "pace", "--full")["pace"] == "full speed"
    wait_until(lambda: answer(capsys, "status")["state"] == "finished", "all is sent")
    assert messages(steered) == EVENTS


def test_a_paused_producer_stops(steered: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "pause")
    assert answer(capsys, "stop")["running"]
    assert answer(capsys, "status")["state"] == "stopped"


@pytest.mark.parametrize("line", [["pause"], ["resume"], ["pace", "--full"]], ids=" ".join)
def test_without_a_producer_there_is_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    capsys.readouterr()
    assert run(["producer", *line]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (
        "",
        "clickstream: no producer is running (`clickstream producer start` starts it)\n",
    )


@pytest.mark.parametrize("line", [["--realtime", "0x"], ["--rate", "0"], [], ["--full", "--rate", "1"]], ids=" ".join)
def test_a_pace_that_cannot_be_is_refused(
    steered: Settings, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    assert run(["producer", "pace", *line]) == 2
    assert answer(capsys, "status")["pace"] == "0.02 events/s"


@pytest.mark.slow
def test_consumers_are_scaled_while_they_run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def scale(count: int) -> tuple[list[str], list[str]]:
        capsys.readouterr()
        assert run(["consumer", "scale", str(count), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["now"] == count
        return found["started"], found["stopped"]

    assert scale(2) == (["consumer-0", "consumer-1"], [])
    assert scale(3) == (["consumer-2"], [])
    assert scale(1) == ([], ["consumer-1", "consumer-2"])
    assert run(["consumer", "scale", "4"]) == 2
    assert "(3 at most; `clickstream topic resize 4` makes room for more)" in capsys.readouterr().err
    assert scale(0) == ([], ["consumer-0"])
    control = running(settings.home)
    assert control
    control.remove(["consumer-0", "consumer-1", "consumer-2"])
