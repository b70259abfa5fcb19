"""The past of the lag out of real servers: also of a time when it was not watched."""

from __future__ import annotations

import json
import time

import pytest

from clickstream.actions.observe.history import history
from clickstream.cli.main import run
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.postgres.migrate import migrate
from clickstream.services.valkey.connection import connect
from clickstream.services.valkey.position_history import KEPT_SECONDS, PositionHistory
from tests.feed import TIMEOUT_MS, query, send, shop

EVENTS = shop(5, 600, visitors=40)


def commit(settings: Settings, positions: dict[int, int], age: float) -> None:
    """What consumers would have left in PostgreSQL, so many seconds ago."""
    assert settings.postgres
    assert settings.kafka
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    topic = create_topic(settings.kafka)
    for partition, offset in positions.items():
        query(
            settings,
            "INSERT INTO consumer_offsets VALUES (%s, %s, %s, %s, now() - make_interval(secs => %s)) RETURNING 1",
            *(topic.name, topic.topic_id, partition, offset, age),
        )


def test_what_waits_in_a_group_that_never_ran(settings: Settings) -> None:
    send(settings, EVENTS)
    found = history(settings, window=600.0, points=10)
    assert found.note == ""
    assert [point.total for point in found.points] == [*[0] * 9, len(EVENTS)]
    assert set(found.points[-1].partitions) == {0, 1, 2}


def test_a_dead_group_s_lag_is_told_from_its_last_commit_on(settings: Settings) -> None:
    send(settings, EVENTS)
    commit(settings, {0: 10, 1: 20, 2: 30}, age=0.0)
    last = history(settings, window=10.0, points=2).points[-1]
    assert last.total == len(EVENTS) - 60


def test_consumers_notes_fill_the_time_before(settings: Settings) -> None:
    assert settings.valkey
    assert settings.kafka
    send(settings, EVENTS)
    sent_at = time.time()
    commit(settings, {0: 10, 1: 10, 2: 10}, age=0.0)
    with connect(settings.valkey) as client:
        noted = PositionHistory(client, topic=settings.kafka.events_topic)
        noted.add(sent_at - 5, {0: 0})
        noted.add(sent_at - 4, {1: 0, 2: 0})
        assert [positions for _, positions in noted.read(sent_at - 60)] == [{0: 0}, {1: 0, 2: 0}]
        assert noted.read(sent_at + 3_600) == []
        assert 0 < client.ttl(f"clickstream:trail:{settings.kafka.events_topic}") <= KEPT_SECONDS
    known = history(settings, window=10.0, points=201).points
    assert all(point.total is not None for point in known)
    assert known[-1].total == len(EVENTS) - 30
    assert all(0 <= (point.total or 0) <= len(EVENTS) for point in known)


def test_a_topic_that_is_missing_is_said(settings: Settings) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    with pytest.raises(ClickstreamError, match="does not exist"):
        history(settings)


@pytest.mark.slow
def test_the_command_line_prints_history_and_report(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    send(settings, EVENTS)
    assert run(["lag", "--history", "--window", "2m", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"][-1]["total"] == len(EVENTS)
    assert told["window_seconds"] == 120
    assert run(["lag", "--history"]) == 0
    assert "over the last 5 min" in capsys.readouterr().out
    assert run(["lag", "--history", "--window", "1s"]) == 2
    assert "a window of 1 s is not from 10 s" in capsys.readouterr().err
    assert run(["lag", "--report"]) == 0
    assert "no consumers" in capsys.readouterr().out
    assert run(["lag", "--report", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["total"] == len(EVENTS)
    assert {row["state"] for row in report["partitions"]} == {"STOPPED"}
    assert all(0 < row["seconds_behind"] < 60 for row in report["partitions"])
    assert report["consumers"] == []
