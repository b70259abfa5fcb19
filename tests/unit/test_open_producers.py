"""Two requests that the driver lacks: as an implementation that shares no code with ours reads and writes them."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kio.index import load_payload_module
from kio.schema.errors import ErrorCode
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from clickstream.services.kafka.transactions import (
    OpenProducer,
    describe_answer,
    describe_request,
    list_answer,
    list_request,
)

DESCRIBE_PRODUCERS, LIST_TRANSACTIONS = 61, 66


def asked(kind: int) -> Any:
    return load_payload_module(kind, 0, EntityType.request)


def answered(kind: int) -> Any:
    return load_payload_module(kind, 0, EntityType.response)


def written(entity: Any) -> bytes:
    sink = io.BytesIO()
    entity_writer(type(entity))(sink, entity)
    return sink.getvalue()


@given(st.text(min_size=1, max_size=249), st.lists(st.integers(0, 2**31 - 1), max_size=200))
def test_producers_are_asked_for(topic: str, partitions: list[int]) -> None:
    request = asked(DESCRIBE_PRODUCERS).DescribeProducersRequest
    read, size = entity_reader(request)(body := describe_request(topic, partitions), 0)
    assert size == len(body)
    [one] = read.topics
    assert (one.name, one.partition_indexes) == (topic, tuple(partitions))


@given(st.lists(st.integers(0, 2**63 - 1), max_size=200))
def test_transactions_are_asked_for(ids: list[int]) -> None:
    request = asked(LIST_TRANSACTIONS).ListTransactionsRequest
    read, size = entity_reader(request)(body := list_request(ids), 0)
    assert size == len(body)
    assert (read.state_filters, read.producer_id_filters) == ((), tuple(sorted(set(ids))))


starts = st.integers(-1, 2**40)
partitions_of = st.dictionaries(
    st.integers(0, 999),
    st.tuples(st.booleans(), st.dictionaries(st.integers(0, 2**40), starts, max_size=4)),
    max_size=9,
)


@given(partitions_of)
def test_an_answer_tells_whose_transactions_are_open(held: dict[int, tuple[bool, dict[int, int]]]) -> None:
    module = answered(DESCRIBE_PRODUCERS)
    partitions = tuple(
        module.PartitionResponse(
            partition_index=number,
            error_code=ErrorCode.topic_authorization_failed if refused else ErrorCode.none,
            error_message="no right to" if refused else None,
            active_producers=tuple(
                module.ProducerState(
                    producer_id=producer,
                    producer_epoch=1,
                    last_sequence=3,
                    last_timestamp=7,
                    coordinator_epoch=0,
                    current_txn_start_offset=start,
                )
                for producer, start in producers.items()
            ),
        )
        for number, (refused, producers) in held.items()
    )
    topic = module.TopicResponse(name="events", partitions=partitions)
    answer = module.DescribeProducersResponse(throttle_time=timedelta(0), topics=(topic,))
    assert describe_answer(written(answer)) == {
        number: [OpenProducer(producer, start) for producer, start in producers.items() if start >= 0]
        for number, (refused, producers) in held.items()
        if not refused
    }


@given(st.dictionaries(st.integers(0, 2**40), st.text(min_size=1, max_size=300), max_size=9), st.booleans())
def test_an_answer_tells_their_names(names: dict[int, str], refused: bool) -> None:
    module = answered(LIST_TRANSACTIONS)
    answer = module.ListTransactionsResponse(
        throttle_time=timedelta(0),
        error_code=ErrorCode.coordinator_load_in_progress if refused else ErrorCode.none,
        unknown_state_filters=("Odd",),
        transaction_states=tuple(
            module.TransactionState(transactional_id=name, producer_id=producer, transaction_state="Ongoing")
            for producer, name in names.items()
        ),
    )
    assert list_answer(written(answer)) == ({} if refused else names)


@given(st.binary(max_size=200))
def test_whatever_answers_it_is_read_or_refused(answer: bytes) -> None:
    for read in (describe_answer, list_answer):
        try:
            read(answer)
        except ValueError:
            continue
