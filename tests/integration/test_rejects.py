"""Rejects on real servers: listed, corrected, replayed exactly once, discarded; every byte is kept."""

from __future__ import annotations

import base64
import io
import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.actions.rejects import listing as rejects
from clickstream.actions.rejects import replay as rejects_replay
from clickstream.cli.main import run
from clickstream.config.settings import Settings
from clickstream.domain.events import BadLine
from clickstream.domain.rejects import RejectFilter, RejectSource, ReplayedFilter
from clickstream.pipeline.events.csvfile.rejects import write_rejects
from clickstream.services.kafka.admin import create_topic, delete_topic, read_offsets
from tests.consuming import drain
from tests.feed import START_MS, check, query, send, value
from tests.oracle import Event

GOOD = Event(7, START_MS, 0, 3)

BROKEN: list[tuple[str, bytes | None]] = [
    ("1", b'{"timestamp": "\x1b[31m[bold]\xff\x00"'),
    ("1", None),
    ("2", b""),
    ("3", b"[" * 300_000),
]


@pytest.fixture
def rejected(settings: Settings) -> Settings:
    """One event stored, and four rejected messages."""
    send(settings, [GOOD, *BROKEN])
    drain(settings)
    return settings


def in_kafka(settings: Settings) -> int:
    assert settings.kafka
    return sum(held.end for held in read_offsets(settings.kafka, create_topic(settings.kafka)).values())


def command(*arguments: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> Any:
    capsys.readouterr()
    assert run(["rejects", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def by_size(settings: Settings, size: int) -> rejects.Reject:
    return next(one for one in rejects.listing(settings).rejects if one.size == size and one.payload is not None)


def test_every_byte_is_kept_and_nothing_steers_the_terminal(
    rejected: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = command("list", capsys=capsys)
    assert found["total"] == len(found["rejects"]) == len(BROKEN)
    whole = [command("show", one["id"], capsys=capsys) for one in found["rejects"]]
    assert command("show", capsys=capsys)["id"] == found["rejects"][0]["id"], "the newest"
    payloads = [one["payload_base64"] for one in whole]
    assert {None if text is None else base64.b64decode(text) for text in payloads} == {payload for _, payload in BROKEN}
    assert all(one["payload_text"] is None or one["payload_text"].isprintable() for one in whole)
    run(["rejects", "list"])
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


def test_a_corrected_message_becomes_an_event_once_however_often_it_is_sent(
    rejected: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, corrected, before = by_size(rejected, 300_000).id, Event(3, START_MS, 1, 4), in_kafka(rejected)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(value(corrected))))
    assert command("replay", id_, "--with", "-", capsys=capsys) == {"replayed": [id_], "refused": []}
    assert in_kafka(rejected) == before + 1
    # As if this process had died between Kafka's word and the mark:
    query(rejected, "UPDATE rejected_events SET replayed_at = NULL RETURNING 1")
    assert rejects_replay.replay(rejected, [id_], corrected=value(corrected)).replayed == [id_]
    drain(rejected)
    check(rejected, [GOOD, corrected])
    assert command("list", capsys=capsys)["total"] == len(BROKEN) - 1
    assert command("list", "--replayed", capsys=capsys)["total"] == len(BROKEN)
    again = rejects_replay.replay(rejected, [id_], corrected=value(corrected))
    assert "was replayed" in again.refused[0].reason


def test_what_would_be_rejected_again_is_refused_and_stays(
    rejected: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = in_kafka(rejected)
    found = command("replay", "--all", capsys=capsys, code=1)
    assert found["replayed"] == []
    assert len(found["refused"]) == len(BROKEN)
    assert in_kafka(rejected) == before
    assert rejects.listing(rejected).total == len(BROKEN)


def test_what_is_an_event_by_now_is_replayed_with_all(rejected: Settings) -> None:
    """As after an update of the reader: the payload was none, and is one."""
    late = Event(9, START_MS, 0, 1)
    query(
        rejected,
        "UPDATE rejected_events SET payload = %s WHERE octet_length(payload) = 300000 RETURNING 1",
        value(late),
    )
    found = rejects_replay.replay_all(rejected)
    assert (len(found.replayed), len(found.refused)) == (1, len(BROKEN) - 1)
    drain(rejected)
    check(rejected, [GOOD, late])


def test_one_that_kafka_refuses_takes_no_neighbour_along(rejected: Settings) -> None:
    huge = value(Event(1, START_MS, 0, 1))[:-1] + b',"x":"' + b"x" * 2_000_000 + b'"}'
    corrections = dict(zip([None, 0, 300_000], [value(Event(2, START_MS, 0, 1)), huge, value(GOOD)], strict=True))
    for size, payload in corrections.items():
        where = "payload IS NULL" if size is None else f"octet_length(payload) = {size}"
        query(rejected, f"UPDATE rejected_events SET payload = %s WHERE {where} RETURNING 1", payload)
    found = rejects_replay.replay_all(rejected)
    assert len(found.replayed) == 2
    assert any("too large" in one.reason for one in found.refused)
    drain(rejected)
    check(rejected, [GOOD, Event(2, START_MS, 0, 1)])


def test_a_corrected_line_goes_to_kafka_and_leaves_its_file(rejected: Settings) -> None:
    rejected.home.make()
    path = write_rejects(rejected.home.rejects, [BadLine(5, "timestamp is empty", b",7,view,3,")])
    [one] = rejects.listing(rejected, RejectFilter(source=RejectSource.CSV)).rejects
    assert rejects_replay.replay(rejected, [one.id]).refused[0].reason == "timestamp is empty"
    assert path.exists()
    line = b"%d,7,addtocart,3,\n" % START_MS
    assert rejects_replay.replay(rejected, [one.id], corrected=line).replayed == [one.id]
    assert not path.exists()
    drain(rejected)
    check(rejected, [GOOD, Event(7, START_MS, 1, 3)])


def test_discarded_is_gone(rejected: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    id_ = by_size(rejected, 300_000).id
    assert command("discard", id_, "-y", capsys=capsys) == {"discarded": 1}
    assert rejects.listing(rejected).total == len(BROKEN) - 1
    assert run(["rejects", "show", id_]) == 2
    reason = rejects.listing(rejected).rejects[0].reason
    same = rejects.listing(rejected, RejectFilter(reason=reason)).total
    assert command("discard", "--reason", reason, "-y", capsys=capsys) == {"discarded": same}
    assert rejects.listing(rejected).total == len(BROKEN) - 1 - same
    rejects_replay.discard_all(rejected)
    assert query(rejected, "SELECT * FROM rejected_events") == []
    assert command("show", capsys=capsys) is None
    assert run(["rejects", "show"]) == 0
    assert capsys.readouterr().err == "no rejects\n"


def test_what_was_replayed_is_discarded_only_when_it_is_asked_for(
    rejected: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = by_size(rejected, 300_000).id
    assert rejects_replay.replay(rejected, [id_], corrected=value(Event(3, START_MS, 1, 4))).replayed == [id_]
    reason = next(
        one.reason
        for one in rejects.listing(rejected, RejectFilter(replayed=ReplayedFilter.YES)).rejects
        if one.id == id_
    )
    assert command("discard", "--reason", reason, "-y", capsys=capsys) == {"discarded": 0}
    assert command("discard", "--all", "-y", capsys=capsys) == {"discarded": len(BROKEN) - 1}
    assert [one.id for one in rejects.listing(rejected, RejectFilter(replayed=ReplayedFilter.ANY)).rejects] == [id_]
    assert rejects_replay.count(rejected) == 0
    assert rejects_replay.discard_all(rejected, RejectFilter(replayed=ReplayedFilter.YES)) == 1
    assert query(rejected, "SELECT * FROM rejected_events") == []


def test_a_replay_of_all_leaves_out_what_was_replayed_whatever_the_filter_says(rejected: Settings) -> None:
    id_ = by_size(rejected, 300_000).id
    assert rejects_replay.replay(rejected, [id_], corrected=value(Event(3, START_MS, 1, 4))).replayed == [id_]
    found = rejects_replay.replay_all(rejected, RejectFilter(replayed=ReplayedFilter.ANY))
    assert id_ not in {*found.replayed, *(one.id for one in found.refused)}
    assert len(found.refused) == len(BROKEN) - 1


def test_messages_are_chosen_by_partition_and_time(rejected: Settings) -> None:
    query(rejected, "UPDATE rejected_events SET rejected_at = '2026-01-02T03:04:05Z' WHERE payload IS NULL")
    [none] = [one for one in rejects.listing(rejected).rejects if one.payload is None]
    early, late = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    for chosen in (RejectFilter(since=early, until=late), RejectFilter(until=late, partition=none.partition)):
        found = rejects.listing(rejected, chosen)
        assert [one.id for one in found.rejects] == [none.id]
        assert found.total == rejects_replay.count(rejected, chosen) == 1
        assert [one.id for one in rejects_replay.replay_all(rejected, chosen).refused] == [none.id]
    assert rejects.listing(rejected, RejectFilter(until=early)).total == 0
    assert rejects.listing(rejected, RejectFilter(since=late)).total == len(BROKEN) - 1
    by_partition = [rejects.listing(rejected, RejectFilter(partition=number)).total for number in range(4)]
    assert sum(by_partition) == len(BROKEN)
    assert by_partition[3] == 0
    assert rejects_replay.discard_all(rejected, RejectFilter(until=late)) == 1
    assert rejects.listing(rejected).total == len(BROKEN) - 1


def test_rejects_of_a_topic_before_keep_names_of_their_own(rejected: Settings) -> None:
    assert rejected.kafka
    before = {one.id for one in rejects.listing(rejected).rejects}
    delete_topic(rejected.kafka, rejected.kafka.events_topic)
    create_topic(rejected.kafka)
    send(rejected, [GOOD, *BROKEN])
    drain(rejected)
    found = rejects.listing(rejected)
    assert found.total == 2 * len(BROKEN)
    now = {one.id for one in found.rejects if "~" not in one.id}
    assert now == before
    assert {one.id.partition("~")[0] for one in found.rejects if "~" in one.id} == before
    assert [rejects.find(rejected, one.id).id for one in found.rejects] == [one.id for one in found.rejects]


def test_before_anything_ran_there_are_none(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("list", capsys=capsys) == {"rejects": [], "total": 0, "problem": ""}
    assert command("discard", "--all", "-y", capsys=capsys) == {"discarded": 0}
