"""The demo's live display at the sizes it is made for, and its lines elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from clickstream.actions.analytics import Analytics, Funnel
from clickstream.actions.demo import DemoResult
from clickstream.actions.demo_progress import DemoProgress, Flow, Phase
from clickstream.actions.verify import Verification
from clickstream.cli import views
from clickstream.cli.commands_demo import Teller
from clickstream.cli.demo_screen import DemoScreen, sparkline
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


def painted(screen: DemoScreen, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(screen)
    return caught.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
@pytest.mark.parametrize("partitions", [1, 3])
def test_the_whole_display_fits(width: int, height: int, partitions: int) -> None:
    screen = DemoScreen()
    screen.show(DemoProgress(Phase.PIPELINE, "1,234 events are stored already", 1.0, note=True))
    for tick in range(200):
        lag = dict.fromkeys(range(partitions), 1_000_000)
        screen.show(DemoProgress(Phase.PIPELINE, "events flow", tick / 5, flow=flow(lag=lag)))
    screen.finish(result())
    lines = painted(screen, width, height)
    assert len(lines) < height
    assert all(len(line) <= width for line in lines)
    shown = "\n".join(lines)
    for figure in ("1,200,000 / 2,756,101", "1,761,675", "460", "126 k events/s", "verify ok"):
        assert figure in shown


def test_many_partitions_are_summed_up() -> None:
    screen = DemoScreen()
    screen.show(DemoProgress(Phase.PIPELINE, "", 1.0, flow=flow(lag=dict.fromkeys(range(100), 10))))
    lines = painted(screen, 80, 24)
    assert len(lines) < 24
    assert any("rest" in line and "890" in line for line in lines)


def test_before_anything_flows_it_says_what_it_does() -> None:
    screen = DemoScreen()
    screen.show(DemoProgress(Phase.STACK, "downloading Kafka, once", 2.0, done=10, total=40))
    shown = "\n".join(painted(screen, 80, 24))
    assert "downloading Kafka, once" in shown
    assert "25%" in shown


def test_trouble_is_a_word_and_not_a_colour() -> None:
    screen = DemoScreen()
    screen.show(DemoProgress(Phase.PIPELINE, "PostgreSQL does not answer", 1.0, flow=flow(trouble="PostgreSQL …")))
    shown = "\n".join(painted(screen, 80, 24))
    assert "▲ waiting" in shown
    assert "PostgreSQL does not answer" in shown


@pytest.mark.parametrize("bad", [result(missing=3), result(unaccounted="5 events are nowhere")])
def test_a_failure_is_seen(bad: DemoResult) -> None:
    screen = DemoScreen()
    screen.finish(bad)
    shown = "\n".join(painted(screen, 80, 24))
    assert "✖ failed" in shown
    assert "3 missing" in shown or "5 events are nowhere" in shown
    assert not bad.ok


@given(st.lists(st.floats(min_value=0, max_value=1e6)), st.integers(1, 8))
def test_a_sparkline_is_as_wide_as_its_values_and_as_high_as_asked(values: list[float], height: int) -> None:
    top = max(values, default=0.0)
    lines = sparkline(values, top, height)
    assert [len(line) for line in lines] == [len(values)] * height
    if top > 1e-3:
        column = values.index(top)
        assert all(line[column] == "█" for line in lines)


def test_lines_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("clickstream.cli.commands_demo.time.monotonic", lambda: now[0])
    tell = Teller()
    tell(DemoProgress(Phase.STACK, "starting", 0.0))
    for _ in range(40):  # ten seconds
        now[0] += 0.25
        tell(DemoProgress(Phase.PIPELINE, "events flow", now[0] - 100, flow=flow()))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[1].endswith("produced 1,200,000 of 2,756,101 (61.0 k/s), read 1,100,000 (58.9 k/s), lag 100,000")


def test_the_result_as_text_names_every_figure() -> None:
    shown = plain(views.demo(result()))
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
    assert "documents   2,755,641 in OpenSearch" in plain(views.demo(found))
    assert "OpenSearch" not in plain(views.demo(result()))
    screen = DemoScreen()
    screen.show(DemoProgress(Phase.PIPELINE, "events flow", 1.0, flow=flow(to_index=4_321)))
    assert "to index: 4,321" in "\n".join(painted(screen, 80, 24))
    screen.finish(found)
    assert "documents indexed" in "\n".join(painted(screen, 80, 24))
