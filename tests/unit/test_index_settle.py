"""A batch is settled whatever the server answers on the way: only what failed comes again, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import AdmissionRefused, ServiceRefused, ServiceUnavailable
from clickstream.domain.events import RejectedMessage
from clickstream.pipeline.indexer import settler as settler_module
from clickstream.pipeline.indexer.settler import (
    REASON,
    BatchAbandoned,
    IndexDeleted,
    SettledBatch,
    Settler,
    ShardFailed,
)
from clickstream.pipeline.process.loop import Backoff
from clickstream.services.postgres import refusals
from tests.search_stand_in import StandIn, item, stand_in
from tests.settling import NEVER, POSTGRES, TOPIC, batch, ids, settle, settling


@pytest.fixture
def server() -> Iterator[tuple[StandIn, OpenSearchSettings]]:
    with stand_in() as found:
        yield found


def test_all_is_well(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    assert settle(settings, batch(5)) == SettledBatch(created=5, duplicates=0, refused=0, again=0)
    assert state.bulks == [ids(*range(5))]
    assert settle(settings, batch(6)) == SettledBatch(created=1, duplicates=5, refused=0, again=0)


@pytest.mark.parametrize("fault", [429, 503, 500, 502, 413, b"<html>busy</html>", b'{"errors": false, "items": []}'])
def test_a_bulk_that_fails_whole_comes_again(server: tuple[StandIn, OpenSearchSettings], fault: int | bytes) -> None:
    state, settings = server
    state.answers.extend([fault, fault])
    assert settle(settings, batch(3)) == SettledBatch(created=3, duplicates=0, refused=0, again=6)
    assert state.bulks == [ids(0, 1, 2)] * 3


def test_only_what_failed_comes_again(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    busy = item(429, "rejected_execution_exception", "queue is full")
    state.answers.extend(
        [
            lambda place, _: busy if place in {1, 3} else None,
            lambda place, _: item(503, "unavailable_shards_exception", "x") if place == 1 else None,
        ]
    )
    assert settle(settings, batch(5)) == SettledBatch(created=5, duplicates=0, refused=0, again=3)
    assert state.bulks == [ids(0, 1, 2, 3, 4), ids(1, 3), ids(3)]


def test_bulks_become_smaller_while_the_server_is_short_of_breath(
    server: tuple[StandIn, OpenSearchSettings],
) -> None:
    state, settings = server
    state.answers.extend([429, 429])
    assert settle(settings, batch(1000), most=400).created == 1000
    assert [len(one) for one in state.bulks] == [400, 200, 100, 200, 400, 300]


def test_what_is_refused_for_good_is_recorded_whole_and_the_rest_goes_on(
    server: tuple[StandIn, OpenSearchSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, settings = server
    recorded: list[tuple[str, str, Mapping[int, Sequence[RejectedMessage]]]] = []
    away = [ServiceUnavailable("PostgreSQL", "connection refused")]

    def record(_: object, topic: str, topic_id: str, rows: Mapping[int, Sequence[RejectedMessage]]) -> None:
        if away:
            raise away.pop()
        recorded.append((topic, topic_id, dict(rows)))

    monkeypatch.setattr(refusals, "record", record)
    bad = item(400, "mapper_parsing_exception", "failed to parse field [item_id]")
    state.answers.append(lambda place, _: bad if place == 2 else None)
    assert settle(settings, batch(4)) == SettledBatch(created=3, duplicates=0, refused=1, again=0)
    row = RejectedMessage(102, REASON + "failed to parse field [item_id]", b"7", b"value 102")
    assert recorded == [(*TOPIC, {1: [row]})]
    assert REASON.startswith("OpenSearch")


def test_what_is_only_in_memory_after_a_fault_is_found_out_and_sent_again(
    server: tuple[StandIn, OpenSearchSettings],
) -> None:
    state, settings = server
    state.answers.append(state.into_memory(500))
    with settling(settings) as settler:
        assert settler.settle(batch(3), TOPIC, NEVER) == SettledBatch(created=0, duplicates=3, refused=0, again=3)
        with pytest.raises(ShardFailed):
            settler.secure(NEVER)
        assert state.documents == {}
        settler.forget()
        assert settler.settle(batch(3), TOPIC, NEVER).created == 3
        settler.secure(NEVER)
    assert list(state.documents) == ids(0, 1, 2)


def test_what_was_created_while_the_log_was_closed_is_found_out(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    state.answers.append(state.into_memory(201))
    with settling(settings) as settler:
        assert settler.settle(batch(3), TOPIC, NEVER).created == 3
        assert settler.settle(batch(5), TOPIC, NEVER) == SettledBatch(created=2, duplicates=3, refused=0, again=0)
        with pytest.raises(ShardFailed):
            settler.secure(NEVER)


def test_who_takes_over_does_not_believe_what_the_one_before_left_in_memory(
    server: tuple[StandIn, OpenSearchSettings],
) -> None:
    state, settings = server
    state.in_memory = {name: {} for name in ids(0, 1)}  # one died between a fault and sending them again
    with settling(settings) as settler:
        assert settler.settle(batch(2), TOPIC, NEVER).duplicates == 2
        with pytest.raises(ShardFailed):
            settler.secure(NEVER)


def test_a_shard_that_failed_unseen_is_found_out(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    with settling(settings) as settler:
        settler.settle(batch(2), TOPIC, NEVER)
        settler.secure(NEVER)
        settler.settle(batch(3), TOPIC, NEVER)
        state.life += 1
        with pytest.raises(ShardFailed):
            settler.secure(NEVER)
        with pytest.raises(ShardFailed):  # until what was sent is sent again
            settler.secure(NEVER)
        settler.forget()
        settler.secure(NEVER)


def test_while_the_server_takes_no_write_nothing_is_secure(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    with settling(settings) as settler:
        settler.settle(batch(2), TOPIC, NEVER)
        state.probe_answers.extend([503, item(500, "i_o_exception", "x"), item(404, "shard_not_found_exception", "x")])
        settler.secure(NEVER)
        assert state.probes == 5
        state.probe_answers.append(item(404, "index_not_found_exception", "no such index"))
        with pytest.raises(IndexDeleted):
            settler.secure(NEVER)
        state.probe_answers.append(item(403, "security_exception", "no permissions"))
        with pytest.raises(AdmissionRefused):
            settler.secure(NEVER)
        cancelled = threading.Event()
        cancelled.set()
        with pytest.raises(BatchAbandoned):
            settler.secure(cancelled)


def test_where_nothing_was_sent_there_is_nothing_to_secure(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    with settling(settings) as settler:
        settler.secure(NEVER)
    assert state.probes == 0


def test_without_an_index_nothing_is_sent(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    state.gone = True
    with pytest.raises(IndexDeleted):
        settle(settings, batch(2))
    assert state.bulks == []


def test_a_shard_that_is_away_is_waited_for(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    away = item(404, "shard_not_found_exception", "no such shard")
    state.answers.extend([lambda *_: away] * 3)
    assert settle(settings, batch(2)) == SettledBatch(created=2, duplicates=0, refused=0, again=6)


def test_a_server_that_takes_no_document_is_said(
    server: tuple[StandIn, OpenSearchSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, settings = server
    monkeypatch.setattr(settler_module, "REFUSED_IN_A_ROW", 10)
    state.answers.extend([lambda *_: item(400, "mapper_parsing_exception", "wrong index")] * 3)
    with pytest.raises(ServiceRefused, match="takes no document: wrong index"):
        settle(settings, batch(12), most=4)


def test_a_server_that_does_not_let_us_in_is_said(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    state.answers.append(401)
    with pytest.raises(AdmissionRefused):
        settle(settings, batch(2))


def test_an_index_that_is_gone_is_told(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    state.answers.append(lambda *_: item(404, "index_not_found_exception", "no such index"))
    with pytest.raises(IndexDeleted):
        settle(settings, batch(2))


def test_it_can_be_given_up_while_the_server_is_away() -> None:
    with stand_in() as (_, settings):
        pass  # it is gone
    settler = Settler(settings, POSTGRES, most=10, backoff=Backoff)
    cancelled = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            settler.settle(batch(2), TOPIC, cancelled)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while settler.trouble is None:
        thread.join(0.01)
    assert "does not answer" in str(settler.trouble)
    cancelled.set()
    thread.join(10)
    assert [type(one) for one in failures] == [BatchAbandoned]
    settler.close()


def test_it_goes_on_when_the_server_is_back(server: tuple[StandIn, OpenSearchSettings]) -> None:
    state, settings = server
    state.answers.extend([503] * 20)
    found: Any = settle(settings, batch(3))
    assert found.created == 3
    assert list(state.documents) == ids(0, 1, 2)
