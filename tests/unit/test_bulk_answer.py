"""What an answer to a bulk says of each document, and that no answer at all is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import AdmissionRefused, ServiceUnavailable
from clickstream.services.opensearch.bulk import judge
from clickstream.services.opensearch.client import LONGEST_REASON
from tests.search_stand_in import item

CREATED, DUPLICATE, REFUSED, DOUBTFUL, AGAIN = "created", "duplicate", "refused", "doubtful", "again"

ITEMS: dict[str, list[dict[str, Any]]] = {
    CREATED: [item(201), item(200)],
    DUPLICATE: [item(409, "version_conflict_engine_exception", "exists")],
    REFUSED: [
        item(400, "mapper_parsing_exception", "failed to parse"),
        item(400, "strict_dynamic_mapping_exception", "no"),
    ],
    DOUBTFUL: [
        item(400, "illegal_argument_exception", "pipeline with id [x] does not exist"),
        item(400, "illegal_argument_exception", "Document contains at least one immense term"),
        item(404, "alias_not_found_exception", "no"),
        item(409, "exception_of_tomorrow", "?"),
        item(403, "exception_of_tomorrow", "?"),
        item(500, "fail_processor_exception", "not this one"),
        item(400),
    ],
    AGAIN: [
        item(429, "rejected_execution_exception", "queue is full"),
        item(503, "unavailable_shards_exception", "no primary"),
        item(500, "exception", "?"),
        item(504),
        item(400, "index_closed_exception", "closed"),
        item(403, "cluster_block_exception", "read-only: the disk is full"),
        item(429, "cluster_block_exception", "read-only: the disk is full"),
        item(403, "index_create_block_exception", "cluster create-index blocked (api)"),
        item(400, "validation_exception", "this action would add [2] total shards"),
        item(400, "routing_missing_exception", "routing is required"),
        item(409, "index_primary_shard_not_allocated_exception", "x"),
        item(404, "index_not_found_exception", "gone"),
        item(404, "shard_not_found_exception", "no such shard"),
        item(404, "index_shard_closed_exception", "CurrentState[CLOSED] Closed"),
    ],
}

KNOWN = st.sampled_from([(what, one) for what, several in ITEMS.items() for one in several])


def answer(items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"took": 3, "errors": True, "items": items}).encode()


@given(st.lists(KNOWN, max_size=50))
def test_each_document_is_told_by_its_place(told: list[tuple[str, dict[str, Any]]]) -> None:
    found = judge(answer([one for _, one in told]), len(told))
    kinds = [what for what, _ in told]
    assert found.created == kinds.count(CREATED)
    assert found.duplicates == kinds.count(DUPLICATE)
    assert [place for place, _ in found.refused] == [place for place, what in enumerate(kinds) if what == REFUSED]
    assert [place for place, _ in found.doubtful] == [place for place, what in enumerate(kinds) if what == DOUBTFUL]
    assert found.again == [place for place, what in enumerate(kinds) if what == AGAIN]
    assert bool(found.reason) == bool(found.again)


@given(st.binary(max_size=200) | st.text(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["errors", "items", "create"]), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_other_words_are_not_an_answer(words: bytes | str) -> None:
    with pytest.raises(ServiceUnavailable):
        judge(words, 1)


@pytest.mark.parametrize("count", [0, 2])
def test_an_answer_for_more_or_fewer_documents_is_none(count: int) -> None:
    with pytest.raises(ServiceUnavailable):
        judge(answer([item(201)]), count)


def test_a_user_without_rights_is_not_a_fault_of_the_document() -> None:
    with pytest.raises(AdmissionRefused):
        judge(answer([item(201), item(403, "security_exception", "no permissions")]), 2)


def test_a_closed_index_is_named_in_the_servers_words() -> None:
    said = item(400, "index_closed_exception", "closed")
    said["create"]["error"]["index"] = "events"
    assert judge(answer([said]), 1).reason == "[events] closed (index_closed_exception)"


@pytest.mark.parametrize("witness", [item(201), item(409, "version_conflict_engine_exception", "exists")])
def test_what_was_sent_as_a_witness_is_told_apart(witness: dict[str, Any]) -> None:
    doubtful = item(400, "illegal_argument_exception", "?")
    found = judge(answer([doubtful, witness]), 1, witness=True)
    assert (found.created, found.duplicates, found.witnessed) == (0, 0, True)
    assert not judge(answer([doubtful, doubtful]), 1, witness=True).witnessed


def test_reasons_are_short_and_steer_no_terminal() -> None:
    said = item(400, "mapper_parsing_exception", "\x1b[31m\x00" + "x" * 1000)
    said["create"]["error"]["caused_by"] = {"reason": "out of range"}
    [(_, reason)] = judge(answer([said]), 1).refused
    assert len(reason) <= LONGEST_REASON
    assert "\x1b" not in reason
    assert "\x00" not in reason


def test_the_cause_is_told_where_there_is_one() -> None:
    said = item(400, "mapper_parsing_exception", "failed to parse field [item_id]")
    said["create"]["error"]["caused_by"] = {"reason": "Value [70000] is out of range"}
    assert judge(answer([said]), 1).refused == [(0, "failed to parse field [item_id]: Value [70000] is out of range")]


def test_a_missing_index_is_told() -> None:
    assert judge(answer([item(404, "index_not_found_exception", "gone")]), 1).index_missing
