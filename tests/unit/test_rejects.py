"""Rejects without servers: payloads are escaped, lines of CSV files are found, removed, and never half."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.rejects import listing as rejects
from clickstream.actions.rejects import replay as rejects_replay
from clickstream.actions.rejects.files import count
from clickstream.actions.rejects.replay import InvalidEvent, as_message
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, ServiceUnavailable, UsageError
from clickstream.domain.escapes import escape_bytes, escape_controls, hex_lines
from clickstream.domain.events import BadLine
from clickstream.domain.rejects import RejectFilter, RejectSource, ReplayedFilter
from clickstream.pipeline.events.csvfile.rejects import remove_lines, write_rejects
from clickstream.pipeline.events.decode import decode

EVENT = b'{"timestamp":1,"visitor_id":7,"event":"view","item_id":2,"transaction_id":null}'

LINES = RejectFilter(source=RejectSource.CSV)

BAD = [
    BadLine(3, "timestamp is not a whole number: 'x'", b"x,1,view,2,"),
    BadLine(9, "5 fields expected, found 1", b"\x1b[31mred\xff\x00"),
    BadLine(12, "itemid is empty", b"1,1,view,,"),
]


@pytest.fixture
def settings() -> Settings:
    """A home with one file of three rejected lines, and no servers."""
    loaded = load_settings()
    loaded.home.make()
    write_rejects(loaded.home.rejects, BAD)
    return loaded


def ids(settings: Settings) -> list[str]:
    return [one.id for one in rejects.listing(settings, LINES).rejects]


@given(st.binary())
def test_no_payload_steers_a_terminal(data: bytes) -> None:
    assert escape_bytes(data).isprintable()
    assert all(line.isprintable() for line in escape_bytes(data, lines=True).split("\n"))
    assert all(line.isprintable() for line in hex_lines(data))


@given(st.binary())
def test_a_hex_dump_holds_every_byte(data: bytes) -> None:
    pairs = "".join(line[10:57] for line in hex_lines(data))
    assert bytes.fromhex(pairs) == data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc", r"\u202eabc"),
        ("\U000e0001", r"\U000e0001"),
        ("[bold]é漢", "[bold]é漢"),
    ],
)
def test_escapes_are_those_that_people_know(text: str, shown: str) -> None:
    assert escape_controls(text) == shown


def test_bytes_that_are_not_text_are_shown_as_bytes() -> None:
    assert escape_bytes(b"\xff\xc3(") == r"\xff\xc3("


def test_a_message_is_sent_as_it_is_under_its_visitors_key() -> None:
    assert as_message("messages", EVENT) == ("7", EVENT)


def test_a_line_becomes_the_message_that_the_producer_would_have_sent() -> None:
    key, value = as_message("csv", b"1,7,transaction,2,5\r\n")
    columns, faults = decode([value])
    assert not faults
    found = (columns.time_ms, columns.visitor_id, columns.kind, columns.item_id, columns.transaction_id)
    assert (key, *(column.item() for column in found)) == ("7", 1, 7, 2, 2, 5)


@pytest.mark.parametrize(
    ("source", "payload"),
    [("messages", None), ("messages", b""), ("messages", b"{}"), ("messages", b"1,7,view,2,"), ("csv", b"")],
)
def test_what_would_be_rejected_again_is_not_sent(source: str, payload: bytes | None) -> None:
    with pytest.raises(InvalidEvent):
        as_message(source, payload)


def test_lines_are_listed_by_reason_and_found_by_id_byte_by_byte(settings: Settings) -> None:
    assert [rejects.find(settings, id_).payload for id_ in ids(settings)] == [bad.text for bad in BAD]
    found = rejects.listing(settings, RejectFilter(source=RejectSource.CSV, reason="ITEMID"), limit=1)
    assert [(one.position, one.reason) for one in found.rejects] == [(12, "itemid is empty")]
    assert rejects.listing(settings, LINES, limit=2).total == 3


def test_without_postgresql_lines_are_listed_still_and_the_trouble_is_told(settings: Settings) -> None:
    found = rejects.listing(settings)
    assert len(found.rejects) == 3
    assert "no servers yet" in found.problem
    with pytest.raises(ClickstreamError):
        rejects.listing(settings, RejectFilter(source=RejectSource.MESSAGES))


@pytest.mark.parametrize("id_", ["", "p1", "p@1", "csv:../../etc/passwd:1", "csv::1", "csv:x:1", "\x1b[31m"])
def test_an_unknown_id_is_a_usage_error_without_control_characters(settings: Settings, id_: str) -> None:
    with pytest.raises(UsageError) as error:
        rejects.find(settings, id_)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("id_", ["p1@12345", "p0@0~TOvBdw+B", "p0@0~/Xv-_w=="])
def test_topic_ids_are_base64_of_either_alphabet(settings: Settings, id_: str) -> None:
    with pytest.raises(ClickstreamError, match="no servers yet"):
        rejects.find(settings, id_)


def test_discarding_takes_those_lines_and_no_others(settings: Settings) -> None:
    first, second, third = ids(settings)
    with pytest.raises(UsageError):
        rejects_replay.discard(settings, [first, "csv:nowhere:1"])
    assert ids(settings) == [first, second, third]
    assert rejects_replay.discard(settings, [second, second]) == 1
    assert ids(settings) == [first, third]
    assert rejects_replay.discard_all(settings) == 2
    assert list(settings.home.rejects.iterdir()) == []


def test_a_filter_alone_says_which_lines_to_discard(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rejects", "discard", "--reason", "ITEMID", "-y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"discarded": 1}
    assert [rejects.find(settings, id_).position for id_ in ids(settings)] == [3, 9]


def test_lines_are_chosen_by_the_time_of_their_run_and_have_no_partition(settings: Settings) -> None:
    [old] = settings.home.rejects.iterdir()
    old.rename(old.with_name("20250529T115807Z-4201.rejects.csv"))
    write_rejects(settings.home.rejects, BAD[:1])
    at = datetime(2025, 5, 29, 11, 58, 7, tzinfo=UTC)
    second = timedelta(seconds=1)
    for chosen, count_ in (
        (RejectFilter(), 4),
        (RejectFilter(since=at, until=at + second), 3),
        (RejectFilter(since=at + second), 1),
        (RejectFilter(until=at), 0),
        (RejectFilter(until=at + second, reason="timestamp"), 1),
        (RejectFilter(partition=0), 0),
        (RejectFilter(replayed=ReplayedFilter.YES), 0),
        (RejectFilter(replayed=ReplayedFilter.ANY), 4),
    ):
        assert rejects_replay.count(settings, chosen) == count_, chosen
    assert rejects_replay.discard_all(settings, RejectFilter(until=at + second)) == 3
    assert rejects_replay.count(settings) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"partition": -1},
        {"partition": 2**31},
        {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 2, tzinfo=UTC)},
    ],
)
def test_a_filter_that_nothing_can_match_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RejectFilter(**given)


def test_removing_lines_keeps_the_others_and_the_files_mode(tmp_path: Path) -> None:
    path = write_rejects(tmp_path, BAD)
    assert remove_lines(path, {9, 10}) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert remove_lines(path, {3, 12}) == 2
    assert remove_lines(path, {3}) == 0
    assert not path.exists()


def test_lines_are_counted_and_a_file_is_read_again_when_it_has_changed(settings: Settings) -> None:
    assert count(settings.home) == len(ids(settings))
    rejects_replay.discard(settings, ids(settings)[:1])
    assert count(settings.home) == len(ids(settings)) > 0
    for file in settings.home.rejects.iterdir():
        file.unlink()
    assert count(settings.home) == 0


def test_a_damaged_file_is_named(settings: Settings) -> None:
    (settings.home.rejects / "x.rejects.csv").write_text("")
    with pytest.raises(ClickstreamError, match=r"x\.rejects\.csv"):
        rejects.listing(settings, LINES)


def test_a_refused_line_stays_where_it_is_and_needs_no_kafka(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rejects", "replay", "--all", "--source", "csv", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["replayed"] == []
    assert [one["reason"] for one in found["refused"]] == [bad.reason for bad in BAD]
    assert len(ids(settings)) == 3


@pytest.mark.parametrize(
    "line",
    [
        "replay",
        "replay x --all",
        "replay x --reason y",
        "replay --all --with f",
        "replay --reason x --with f",
        "discard",
        "discard x --all",
        "discard x --source csv",
    ],
)
def test_half_a_question_is_refused(line: str, settings: Settings) -> None:
    assert run(["rejects", *line.split()]) == 2
    assert len(ids(settings)) == 3


def test_show_prints_no_control_character_but_line_ends(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rejects", "show", ids(settings)[1]]) == 0
    shown = capsys.readouterr().out
    assert r"\x1b[31mred\xff\x00" in shown
    assert all(line.isprintable() for line in shown.split("\n"))


def test_raw_gives_the_bytes(settings: Settings, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["rejects", "show", ids(settings)[1], "--raw"]) == 0
    assert capfdbinary.readouterr().out == BAD[1].text


class Deaf:
    """A producer whose messages are not acknowledged."""

    failed = 0
    trouble = "connection refused"

    def __init__(self, _: object) -> None:
        self.closed = False

    def check_topic(self, timeout: float) -> int:
        return 1

    def send(self, keys: list[str], values: list[bytes]) -> int:
        return len(keys)

    def flush(self, timeout: float) -> int:
        return 1

    def close(self) -> None:
        self.closed = True


def test_what_kafka_has_not_acknowledged_is_not_marked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects_replay, "EventProducer", Deaf)
    monkeypatch.setattr(rejects_replay, "kafka_of", lambda _: None)
    monkeypatch.setattr(rejects_replay, "WITHIN", 0.0)
    with pytest.raises(ServiceUnavailable, match="connection refused"):
        rejects_replay.replay(settings, [ids(settings)[0]], corrected=b"1,7,view,2,")
    assert len(ids(settings)) == 3
