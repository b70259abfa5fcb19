"""What an answer to a bulk says of each document, and that no answer at all is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import NotAdmitted, ServiceRefused, ServiceUnavailable
from clickstream.services.opensearch.bulk import LONGEST_REASON, judge
from tests.search_stand_in import item

CREATED, DUPLICATE, REFUSED, AGAIN = "created", "duplicate", "refused", "again"

ITEMS: dict[str, list[dict[str, Any]]] = {
    CREATED: [item(201), item(200)],
    DUPLICATE: [item(409, "version_conflict_engine_exception", "exists")],
    REFUSED: [
        item(400, "mapper_parsing_exception", "failed to parse"),
        item(400, "strict_dynamic_mapping_exception", "no"),
    ],
    AGAIN: [
        item(429, "rejected_execution_exception", "queue is full"),
        item(503, "unavailable_shards_exception", "no primary"),
        item(500, "exception", "?"),
        item(504),
        item(403, "cluster_block_exception", "read-only: the disk is full"),
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
    assert found.again == [place for place, what in enumerate(kinds) if what == AGAIN]
    assert bool(found.reason) == bool(found.again)


@given(st.binary(max_size=200) | st.text(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["errors", "items", "create"]), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_other_words_are_no_answer(words: bytes | str) -> None:
    with pytest.raises(ServiceUnavailable):
        judge(words, 1)


@pytest.mark.parametrize("count", [0, 2])
def test_an_answer_for_more_or_fewer_documents_is_none(count: int) -> None:
    with pytest.raises(ServiceUnavailable):
        judge(answer([item(201)]), count)


def test_a_user_without_rights_is_no_fault_of_the_document() -> None:
    with pytest.raises(NotAdmitted):
        judge(answer([item(201), item(403, "security_exception", "no permissions")]), 2)


def test_a_name_that_is_no_index_is_no_fault_of_the_document() -> None:
    with pytest.raises(ServiceRefused):
        judge(answer([item(404, "alias_not_found_exception", "no")]), 1)


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
