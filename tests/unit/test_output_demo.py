"""The demo's lines, and its result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clickstream.actions.analytics import Analytics, Funnel
from clickstream.actions.demo.progress import DemoProgress, Flow, Phase
from clickstream.actions.demo.run import DemoResult
from clickstream.actions.verify.sessions import Verification
from clickstream.cli.commands import demo as demo_commands
from clickstream.cli.commands.demo import ProgressPrinter
from clickstream.cli.output import plain

FUNNEL = Funnel(1_761_675, 55_745, 18_679, 22_454, 1.06, 66.49, 1.2)


def flow(**changes: object) -> Flow:
    fields = {
        "produced": 1_200_000, "to_produce": 2_756_101, "read": 1_100_000, "rate_in": 61_000.0, "rate_out": 58_900.0,
        "lag": {0: 12_104, 1: 10_911, 2: 76_985}, "active_sessions": 1_204,
    }  # fmt: skip
    return Flow(**(fields | changes))  # type: ignore[arg-type]


def result(*, missing: int = 0, unaccounted: str = "") -> DemoResult:
    verification = Verification(2_755_641, 1_761_675, 1_761_675, missing, 0, 0, 0)
    analytics = Analytics(FUNNEL, FUNNEL, FUNNEL, ())
    return DemoResult(
        2_755_641, 1_761_675, 460, 0, 21.9, 126_000.0, verification, analytics, 2_755_641, 0, unaccounted
    )  # fmt: skip


def test_lines_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("clickstream.cli.commands.demo.time.monotonic", lambda: now[0])
    tell = ProgressPrinter()
    tell(DemoProgress(Phase.STACK, "starting", 0.0))
    for _ in range(40):  # ten seconds
        now[0] += 0.25
        tell(DemoProgress(Phase.PIPELINE, "events flow", now[0] - 100, flow=flow()))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[1].endswith("produced 1,200,000 of 2,756,101 (61.0 k/s), read 1,100,000 (58.9 k/s), lag 100,000")


def test_the_result_as_text_names_every_figure() -> None:
    shown = plain(demo_commands.outcome(result()))
    for figure in ("2,755,641 stored", "duplicates  460", "126 k events/s", "ok: every stored session"):
        assert figure in shown


def test_the_result_as_a_document_has_the_contract_s_keys() -> None:
    document = result().document()
    assert list(document) == [
        "events", "sessions", "duplicates", "rejected", "seconds", "events_per_second", "verify", "analytics",
    ]  # fmt: skip
    assert list(document["verify"]) == [
        "ok", "events", "sessions_stored", "sessions_expected", "missing", "unexpected", "different",
        "duplicate_events", "skipped_messages", "different_days", "examples",
    ]  # fmt: skip
    assert replace(result(), documents=7).document()["documents"] == 7
    assert set(document["analytics"]["last_day"]) == {
        "sessions", "cart_sessions", "purchase_sessions", "total_purchases", "conversion_rate", "cart_abandonment",
        "avg_items_per_purchase",
    }  # fmt: skip


def test_documents_are_told_where_there_are_any() -> None:
    found = replace(result(), documents=2_755_641)
    assert "documents   2,755,641 in OpenSearch" in plain(demo_commands.outcome(found))
    assert "OpenSearch" not in plain(demo_commands.outcome(result()))
