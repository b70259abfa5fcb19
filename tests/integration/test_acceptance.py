"""The main job as a user does it: `clickstream demo`, every figure of it computed again here from the file itself."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.data.generate import generate
from clickstream.config.settings import Settings
from clickstream.pipeline.events.generator import RETAILROCKET
from tests.feed import KINDS, TIMEOUT_MS, check
from tests.oracle import Event, SessionRow, sessions_of

LIMIT = 100_000
DAY_MS = 86_400_000


@pytest.fixture(scope="module", params=[0.1, pytest.param(1, marks=pytest.mark.slow)])
def data_file(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A file of this size, the whole one being 1: the whole one is read and sorted for half a minute."""
    shape = RETAILROCKET.scaled(request.param)
    return generate(tmp_path_factory.mktemp("data") / "events.csv", shape=shape).path


def first_by_time(path: Path, limit: int) -> list[Event]:
    """The first messages that the producer should send."""
    with path.open(newline="") as file:
        rows = [
            Event(int(row["visitorid"]), int(row["timestamp"]), KINDS.index(row["event"]), int(row["itemid"]))
            for row in csv.DictReader(file)
        ]
    rows.sort(key=lambda event: event.time_ms)
    return rows[:limit]


def demo(data_file: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(data_file))
    command = [sys.executable, "-m", "clickstream", "demo", "--headless", "--limit", str(LIMIT), "--json", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def window(sessions: list[SessionRow]) -> dict[str, float]:
    """The funnel of these sessions, as DESIGN words it."""

    def percent(part: int, whole: int) -> float:
        return pytest.approx(100 * part / whole if whole else 0.0, abs=0.01)  # type: ignore[no-any-return]

    carts = [session for session in sessions if session.carts]
    buys = [session for session in sessions if session.purchases]
    bought = sum(len(session.purchased) for session in buys)
    return {
        "sessions": len(sessions),
        "cart_sessions": len(carts),
        "purchase_sessions": len(buys),
        "total_purchases": sum(session.purchases for session in sessions),
        "conversion_rate": percent(len(buys), len(sessions)),
        "cart_abandonment": percent(sum(not session.purchases for session in carts), len(carts)),
        "avg_items_per_purchase": pytest.approx(bought / len(buys) if buys else 0.0, abs=0.01),
    }


def test_demo_accounts_for_every_line_of_the_file(
    settings: Settings, data_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = demo(data_file, monkeypatch)
    sent = first_by_time(data_file, LIMIT)
    events = set(sent)
    sessions = sorted(sessions_of(events, TIMEOUT_MS))
    assert result["events"] == len(events)
    assert result["sessions"] == len(sessions)
    assert result["duplicates"] == LIMIT - len(events)
    assert result["rejected"] == 0
    assert result["events_per_second"] == pytest.approx(LIMIT / result["seconds"], rel=0.01)
    assert result["verify"] == {
        "ok": True,
        "events": len(events),
        "sessions_stored": len(sessions),
        "sessions_expected": len(sessions),
        "missing": 0,
        "unexpected": 0,
        "different": 0,
        "duplicate_events": 0,
        "skipped_messages": 0,
        "different_days": 0,
        "examples": [],
    }
    newest = max(session.start_ms for session in sessions)
    for name, days in (("all_time", 10_000), ("last_day", 1), ("last_month", 30)):
        recent = [session for session in sessions if session.start_ms >= newest - days * DAY_MS]
        assert result["analytics"][name] == window(recent), name
    kinds = [Counter(event.item_id for event in events if event.kind == kind) for kind in range(3)]
    top = sorted(kinds[0], key=lambda item: (-kinds[0][item], item))[:10]
    assert result["analytics"]["top_items"] == [
        {"item_id": item, "views": kinds[0][item], "carts": kinds[1][item], "purchases": kinds[2][item]} for item in top
    ]
    check(settings, sent)

    again = demo(data_file, monkeypatch)
    assert again["events"] == len(events)
    assert again["duplicates"] == LIMIT
    assert again["verify"]["ok"]
