"""`watch`, `status --watch` and `lag --watch`: the very figures of the dashboard's frames, in the documents' shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clickstream.actions.observe import documents
from clickstream.actions.observe.model import Frame
from clickstream.cli import frames
from clickstream.cli.commands import observe
from clickstream.cli.main import run
from clickstream.cli.output import json_text, plain
from tests.changing import replace
from tests.tui.frames import done, empty, running, service_gone, worker_dead

FRAMES = [empty, running, worker_dead, service_gone, done]


class FakeWatcher:
    """Stands in for the real one: gives the frames of a test."""

    frames_to_give: tuple[Frame, ...] = ()

    def __init__(self, _load: object) -> None: ...

    def __enter__(self) -> FakeWatcher:
        return self

    def __exit__(self, *_: object) -> None: ...

    def frames(self) -> Iterator[Frame]:
        yield from self.frames_to_give


def later(frame: Frame, seconds: float = 1.0) -> Frame:
    return replace(frame, at=frame.at + seconds)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command line prints of these frames."""
    monkeypatch.setattr("clickstream.actions.observe.watcher.Watcher", FakeWatcher)

    def show(line: str, *frames: Frame) -> str:
        monkeypatch.setattr(FakeWatcher, "frames_to_give", frames)
        assert run(line.split()) == 0
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("make", FRAMES)
def test_a_frame_is_one_json_line(shown: Callable[..., str], make: Callable[[], Frame]) -> None:
    lines = shown("watch --json", make(), later(make())).splitlines()
    assert len(lines) == 2
    document = json.loads(lines[0])
    assert set(document) == set(Frame.__struct_fields__)
    frame = make()
    assert (document["lag"], document["produced_per_second"]) == (frame.lag, frame.produced_per_second)
    assert [one["name"] for one in document["processes"]] == [row.name for row in frame.processes]
    assert [one["lag"] for one in document["partitions"]] == [row.lag for row in frame.partitions]


def test_frames_in_between_are_left_out(shown: Callable[..., str]) -> None:
    frame = running()
    lines = shown("watch --json", frame, later(frame, 0.2), later(frame, 1.0), later(frame, 1.3)).splitlines()
    assert [json.loads(line)["at"] for line in lines] == [frame.at, frame.at + 1]


def test_what_is_not_known_in_the_past_is_null(shown: Callable[..., str]) -> None:
    frame = running()
    gap = replace(frame.history, lag=(float("nan"), *frame.history.lag[1:]))
    assert json.loads(shown("watch --json", replace(frame, history=gap)))["history"]["lag"][0] is None


def test_for_people_it_says_figures_and_once_what_happened(shown: Callable[..., str]) -> None:
    text = shown("watch", running(), later(worker_dead()))
    assert text.count("demo started") == 1
    assert text.index("demo started") < text.index("consumer-0, consumer-1, consumer-2 started")
    assert text.count("consumer-1 died: killed by SIGKILL") == 1
    assert "produced 61.2 k/s  stored 58.9 k/s  lag 56,035  open 1,204  p95 120 ms" in text


def test_status_holds_the_frame_s_figures(shown: Callable[..., str]) -> None:
    frame = running()
    document = json.loads(shown("status --watch --json", frame))
    assert document["topic"] == {
        "name": "clickstream-events",
        "partitions": 3,
        "messages": sum(row.end - row.begin for row in frame.partitions),
    }
    lags = {str(p.partition): p.lag for p in frame.partitions}
    assert document["lag"] == {
        "total": frame.lag,
        "partitions": lags,
        "states": {str(p.partition): p.state for p in frame.partitions},
        "at": frame.partitions[0].as_of,
        "opensearch": None,
    }
    assert document["counts"] == {
        "events": 1_200_412, "sessions": 660_412, "active_sessions": 1_204, "rejected_events": 3,
        "skipped_messages": 0, "replayed_rejects": 0, "rejected_lines": 2, "duplicates": 459, "late": 36,
    }  # fmt: skip
    assert set(document["services"]) == {"kafka", "postgresql", "valkey", "opensearch"}
    assert document["services"]["kafka"]["ok"] is True
    assert [one["name"] for one in document["workers"]] == ["producer", "consumer-0", "consumer-1", "consumer-2"]
    worker, row = document["workers"][1], frame.processes[-3]
    assert (worker["pid"], worker["lag"], worker["rss_bytes"]) == (row.pid, row.lag, row.rss_bytes)
    assert worker["events_per_second"] == round(row.rate, 1)


def test_replayed_rejects_are_told_apart(shown: Callable[..., str]) -> None:
    frame = running()
    assert frame.counts
    counts = replace(frame.counts, value=replace(frame.counts.value, rejected=3, replayed=2))
    document = json.loads(shown("status --watch --json", replace(frame, counts=counts)))
    assert (document["counts"]["rejected_events"], document["counts"]["replayed_rejects"]) == (3, 2)
    assert "rejected  3, and 2 replayed" in shown("status --watch", replace(frame, counts=counts))


def test_status_says_what_is_down(shown: Callable[..., str]) -> None:
    postgres = json.loads(shown("status --watch --json", service_gone()))["services"]["postgresql"]
    assert postgres["ok"] is False
    assert "connection refused" in postgres["error"]
    nothing = json.loads(shown("status --watch --json", empty()))
    assert nothing["counts"]["events"] is None
    assert nothing["lag"] == {"total": None, "partitions": {}, "states": {}, "at": None, "opensearch": None}
    assert "Nothing runs" in shown("status --watch", empty())


@pytest.mark.parametrize("make", FRAMES)
def test_text_and_document_can_be_made_of_every_frame(make: Callable[[], Frame]) -> None:
    assert plain(frames.status(make()))
    assert json.loads(json_text(documents.status(make())))["services"]


def test_lag_has_the_words_of_the_dashboard(shown: Callable[..., str]) -> None:
    frame = worker_dead()
    document = json.loads(shown("lag --watch --json", frame))
    assert (document["topic"], document["total"]) == (frame.topic, frame.lag)
    assert [one["state"] for one in document["partitions"]] == ["OK", "STOPPED", "LAGGING"]
    for one, row in zip(document["partitions"], frame.partitions, strict=True):
        figures = (one["partition"], one["position"], one["end"], one["lag"], one["trend"], one["owner"])
        assert figures == (row.partition, row.position, row.end, row.lag, row.trend, row.owner)
    text = shown("lag --watch", frame)
    assert "LAGGING" in text
    assert "STOPPED" in text


@pytest.mark.parametrize("make", [running, worker_dead, service_gone, done])
def test_lag_knows_what_the_dashboard_knows(shown: Callable[..., str], make: Callable[[], Frame]) -> None:
    frame = make()
    document = json.loads(shown("lag --watch --json", frame))
    assert document["at"] == frame.partitions[0].as_of
    for one, row in zip(document["partitions"], frame.partitions, strict=True):
        assert one["seconds_behind"] == row.seconds_behind
        assert one["share"] == pytest.approx(row.share, abs=1e-4)


def test_lag_stays_where_nothing_is_known(shown: Callable[..., str]) -> None:
    assert json.loads(shown("lag --watch --json", empty()))["partitions"] == []
    assert "nothing is known of the topic" in shown("lag --watch", empty())


def test_the_first_frame_waits_for_the_servers_but_not_endlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("clickstream.cli.commands.observe.time.monotonic", lambda: now[0])
    asking = Frame(at=1.0)

    def frames(*given: Frame) -> Iterator[Frame]:
        for frame in given:
            yield frame
            now[0] += 1

    def first(*given: Frame) -> list[Any]:
        now[0] = 0.0
        return list(observe._from_first_known(frames(*given), lambda frame: frame.lag is not None))

    assert first(asking, running(), asking) == [running(), asking]
    assert first(*[asking] * 7) == [asking] * 2
