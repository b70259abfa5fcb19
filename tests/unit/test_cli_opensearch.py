"""`opensearch init` and `search` where no server answers, and how results read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.cli import output
from clickstream.cli.commands import opensearch as opensearch_commands
from clickstream.cli.main import run as clickstream
from clickstream.domain.times import moment
from clickstream.services.opensearch.search import Document, EventCounts, Item, SearchResult, TimeSlot

DAY_MS = 86_400_000


@pytest.mark.parametrize("command", ["init", "search"])
def test_not_enabled(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert clickstream(["opensearch", command]) == 1
    told = capsys.readouterr()
    assert not told.out
    assert "OpenSearch is not enabled" in told.err
    assert "clickstream stack up --opensearch" in told.err
    assert "OPENSEARCH_ENABLED=true" in told.err


@pytest.mark.parametrize("command", ["init", "search"])
def test_no_server_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> None:
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    monkeypatch.setenv("OPENSEARCH_HOST", "127.0.0.1")
    monkeypatch.setenv("OPENSEARCH_PORT", "1")
    assert clickstream(["opensearch", command]) == 1
    assert "OpenSearch does not answer" in capsys.readouterr().err


def test_a_wrong_address_of_dashboards_is_told_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    monkeypatch.setenv("OPENSEARCH_HOST", "127.0.0.1")
    monkeypatch.setenv("OPENSEARCH_DASHBOARDS_URL", "localhost:5601")
    assert clickstream(["opensearch", "init"]) == 2
    assert "OPENSEARCH_DASHBOARDS_URL is not a web address" in capsys.readouterr().err


def found() -> SearchResult:
    return SearchResult(
        query="item_id:7",
        index="shop",
        hits=1_234,
        took_ms=12,
        first=0,
        last=DAY_MS,
        interval="12h",
        over_time=(TimeSlot(0, 1_000, 3), TimeSlot(DAY_MS // 2, 0, 0), TimeSlot(DAY_MS, 234, 0)),
        kinds=(EventCounts("view", 1_200, 100), EventCounts("addtocart", 31, 25), EventCounts("transaction", 3, 2)),
        top_viewed=(Item(7, 1_200),),
        top_purchased=(),
        newest=(Document(DAY_MS, 5, "view", 7, None),),
    )


def test_results_read_as_pictures() -> None:
    lines = output.plain(opensearch_commands.pictures(found())).splitlines()
    assert lines[0] == "item_id:7: 1,234 events of shop in 12 ms, 1970-01-01 to 1970-01-02"
    assert "1970-01-01 00:00   1,000  " + "█" * 24 in lines
    assert "1970-01-01 12:00       0" in lines
    assert "addtocart        31   2.51 %  ▋" in lines
    assert "added to cart        25   25.00 %  ██████" in lines
    assert "Top Purchased Items: none" in lines
    assert lines[-1] == "1970-01-02T00:00:00.000Z        5  view      7            -"


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_bar_is_never_too_long_and_little_is_not_nothing(value: int, more: int) -> None:
    drawn = opensearch_commands.bar(value, value + more)
    assert len(drawn) <= opensearch_commands.BAR
    assert bool(drawn) == bool(value)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (1_430_622_004_384, "2015-05-03T03:00:04.384Z"),
        (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_of_any_year(milliseconds: int, text: str) -> None:
    assert moment(milliseconds) == text
