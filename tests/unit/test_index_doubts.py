"""Whose fault a refusal is: states of an index are waited out, and one bad document stops nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.events import RejectedMessage
from clickstream.pipeline.indexer import settler as settler_module
from clickstream.pipeline.indexer.settler import REASON, SettledBatch
from clickstream.services.postgres import refusals
from tests.search_stand_in import Fault, StandIn, item, stand_in
from tests.settling import NEVER, TOPIC, batch, ids, settle, settling


@pytest.fixture
def server() -> Iterator[tuple[StandIn, OpenSearchSettings]]:
    with stand_in() as found:
        yield found


CLOSED = item(400, "index_closed_exception", "closed")
NO_PIPELINE = item(400, "illegal_argument_exception", "pipeline with id [nope] does not exist")
STATES = [
    CLOSED,
    item(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];"),
    item(403, "index_create_block_exception", "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];"),
    item(400, "validation_exception", "this action would add [2] total shards"),
    NO_PIPELINE,
    item(400, "exception_of_tomorrow", "?"),
]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Offset and reason of what was rejected."""
    found: list[tuple[int, str]] = []

    def record(_: object, topic: str, topic_id: str, rows: Mapping[int, Sequence[RejectedMessage]]) -> None:
        found.extend((row.offset, row.reason.removeprefix(REASON)) for several in rows.values() for row in several)

    monkeypatch.setattr(refusals, "record", record)
    return found


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("times", [1, 7])
def test_the_state_of_an_index_is_waited_out_and_nothing_is_rejected(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]], state: dict[str, Any], times: int
) -> None:
    stand, settings = server
    with settling(settings) as settler:
        assert settler.settle(batch(1), TOPIC, NEVER).created == 1
        stand.answers.extend([lambda *_: state] * times)
        assert settler.settle(batch(60), TOPIC, NEVER) == SettledBatch(
            created=59, duplicates=1, refused=0, again=60 * times
        )
        assert settler.trouble is None
    assert recorded == []


def test_a_closed_index_is_told_in_the_servers_words_while_it_is_waited_for(
    server: tuple[StandIn, OpenSearchSettings],
) -> None:
    stand, settings = server
    told: list[str] = []

    def closed(*_: object) -> dict[str, Any]:
        told.append(str(settler.trouble))
        return CLOSED

    with settling(settings) as settler:
        stand.answers.extend([closed] * 2)
        assert settler.settle(batch(1), TOPIC, NEVER).created == 1
    assert told == ["None", "OpenSearch is not ready: closed (index_closed_exception)"]


def only(bad: str, answered: dict[str, Any]) -> Fault:
    return lambda _, name: answered if name == bad else None


@pytest.mark.parametrize("status", [400, 404, 409])
def test_what_alone_is_refused_for_an_unknown_reason_is_its_own_fault(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]], status: int
) -> None:
    stand, settings = server
    stand.answers.extend([only(ids(2)[0], item(status, "exception_of_tomorrow", "not this one"))] * 2)
    assert settle(settings, batch(5)) == SettledBatch(created=4, duplicates=0, refused=1, again=1)
    assert stand.bulks == [ids(0, 1, 2, 3, 4), ids(2, 0)]
    assert recorded == [(102, "not this one (exception_of_tomorrow)")]


def test_the_last_of_a_topic_is_judged_by_one_that_was_taken_before(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]]
) -> None:
    stand, settings = server
    with settling(settings) as settler:
        settler.settle(batch(3), TOPIC, NEVER)
        last = batch(4)
        last.lines, last.messages = last.lines[3:], last.messages[3:]
        stand.answers.extend([only(ids(3)[0], NO_PIPELINE)] * 5)
        assert settler.settle(last, TOPIC, NEVER).refused == 1
    assert stand.bulks[1:] == [ids(3), ids(3, 0)]
    assert [offset for offset, _ in recorded] == [103]


def test_what_was_doubtful_and_is_taken_is_not_a_reject(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]]
) -> None:
    stand, settings = server
    stand.answers.append(only(ids(2)[0], NO_PIPELINE))
    assert settle(settings, batch(5)).created == 5
    assert recorded == []


def test_where_nothing_else_is_there_to_judge_by_it_is_read_again_with_what_came_behind(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]]
) -> None:
    stand, settings = server
    with settling(settings) as settler:
        stand.answers.extend([only(ids(0)[0], NO_PIPELINE)] * (settler_module.FRUITLESS + 1))
        with pytest.raises(ServiceUnavailable, match=r"is not ready: pipeline with id .nope. does not exist"):
            settler.settle(batch(1), TOPIC, NEVER)
        assert settler.trouble
        assert recorded == []
        settler.forget()
        assert settler.settle(batch(2), TOPIC, NEVER) == SettledBatch(created=1, duplicates=0, refused=1, again=0)
    assert [offset for offset, _ in recorded] == [100]


def test_where_only_what_is_there_already_is_taken_many_are_not_rejected(
    server: tuple[StandIn, OpenSearchSettings], recorded: list[tuple[int, str]]
) -> None:
    """A shard that holds all the documents it can is such: it knows what it has, and takes no more."""
    stand, settings = server
    with settling(settings) as settler:
        settler.settle(batch(5), TOPIC, NEVER)

        def full(_: int, name: str) -> dict[str, Any] | None:
            return None if name in ids(*range(5)) else item(400, "illegal_argument_exception", "full")

        stand.answers.extend([full] * (settler_module.FRUITLESS + 1))
        with pytest.raises(ServiceUnavailable, match="full"):
            settler.settle(batch(60), TOPIC, NEVER)
    assert recorded == []
