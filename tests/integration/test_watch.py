"""`watch`, `status --watch`, `lag --watch` against real servers, as processes: a line a second until it is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from clickstream.config.settings import Settings
from tests.feed import send, shop

EVENTS = shop(5, 300)


def start(*line: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "clickstream", *line]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_where(process: subprocess.Popen[str], key: str) -> dict[str, Any]:
    """The first line in which the figure is known."""
    assert process.stdout
    for line in process.stdout:
        document: dict[str, Any] = json.loads(line)
        if document[key] is not None:
            return document
    raise AssertionError("it has ended")


def test_all_three_say_the_same(settings: Settings) -> None:
    send(settings, EVENTS)
    with start("watch", "--json") as watch, start("lag", "--watch", "--json") as lag:
        frame, document = first_where(watch, "lag"), first_where(lag, "total")
        for process in (watch, lag):
            process.kill()
    assert frame["lag"] == document["total"] == len(EVENTS)
    assert [row["lag"] for row in frame["partitions"]] == [row["lag"] for row in document["partitions"]]
    assert {row["state"] for row in document["partitions"]} == {"STOPPED"}
    with start("status", "--watch", "--json") as status:
        assert status.stdout
        found = json.loads(status.stdout.readline())
        status.kill()
    assert found["lag"]["total"] == len(EVENTS)
    assert found["topic"]["messages"] == len(EVENTS)
    assert (found["counts"]["events"], found["services"]["postgresql"]["ok"]) == (0, True)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    "line",
    [
        "watch --json",
        *(pytest.param(line, marks=pytest.mark.slow) for line in ("lag --watch", "watch", "status --watch --json")),
    ],
)
def test_it_ends_with_its_reader_and_with_control_c(line: str) -> None:
    with start(*line.split()) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    with start(*line.split()) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr
        assert process.stderr.read() == "interrupted: nothing was changed, and what runs goes on running\n"
