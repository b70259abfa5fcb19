"""The lag of the second group: where a group begins, and what counts as its own."""

from __future__ import annotations

from clickstream.actions.observe import documents
from clickstream.actions.observe.index_lag import index_lag, shown_lag
from clickstream.actions.observe.model import IndexedPartition, IndexLag, ProcessRow
from clickstream.actions.observe.sources import KafkaAnswer
from clickstream.services.kafka.group import CommittedOffset
from tests.changing import replace
from tests.tui.frames import running


def test_partitions_that_were_never_committed_begin_at_their_oldest_message() -> None:
    found = index_lag("group", {0: 40}, {0: 10, 1: 20}, {0: 50, 1: 50}, {0: "indexer-0"})
    assert found.partitions == (
        IndexedPartition(0, 40, 50, 10, "indexer-0"),
        IndexedPartition(1, 20, 50, 30, None),
    )
    assert found.total == 40


def test_a_position_beyond_the_end_is_not_a_negative_lag() -> None:
    assert index_lag("group", {0: 9}, {0: 0}, {0: 5}, {}).total == 0


def test_an_offset_of_another_topic_or_index_does_not_count() -> None:
    assert CommittedOffset(7, "topic-a index-a").of("topic-a index-a") == 7
    assert CommittedOffset(7, "topic-a index-a").of("topic-a") == 7
    assert CommittedOffset(7, "topic-a index-a").of("topic-b") is None
    assert CommittedOffset(7, "topic-a index-a").of("topic-a index-b") is None
    assert CommittedOffset(7, "").of("topic-b") == 7


def test_a_frame_knows_it_where_kafka_was_asked_for_it() -> None:
    rows = tuple(
        ProcessRow(f"{role}-0", role, "here", local=True, pid=1, state="running", partitions=(0, 1))
        for role in ("consumer", "indexer")
    )
    kafka = KafkaAnswer(1.0, None, "one", {0: 0, 1: 5}, {0: 10, 1: 10})
    assert shown_lag("group", None, rows) is None
    assert shown_lag("group", kafka, rows) is None
    found = shown_lag("group", replace(kafka, indexed={0: 4}), rows)
    assert found == IndexLag(
        "group", 11, (IndexedPartition(0, 4, 10, 6, "indexer-0"), IndexedPartition(1, 5, 10, 5, "indexer-0"))
    )


def test_documents_have_it_under_a_key_of_its_own() -> None:
    behind = IndexLag("group", 6, (IndexedPartition(0, 4, 10, 6, "indexer-0"),))
    frame = replace(running(), indexing=behind)
    assert documents.lag(frame)["opensearch"] == {
        "group": "group",
        "total": 6,
        "partitions": (
            {"partition": 0, "position": 4, "end": 10, "lag": 6, "owner": "indexer-0"} | {"foreign_owner": None},
        ),
    }
    status = documents.status(frame)["lag"]
    assert (status["total"], status["opensearch"]) == (frame.lag, {"total": 6, "partitions": {0: 6}})
    assert documents.lag(running())["opensearch"] is None
