"""From columns to messages and back, and the partition of each."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from clickstream.domain.events import EventColumns
from clickstream.pipeline.events.decode import decode
from clickstream.pipeline.events.encode import encode_keys, encode_values
from clickstream.pipeline.events.murmur import partitions_of

PARTITIONS = 6


def test_decode(benchmark: BenchmarkFixture, messages: list[bytes | None]) -> None:
    columns, faults = benchmark(decode, messages)
    assert len(columns) == len(messages)
    assert not faults


def test_decode_a_batch_with_broken_messages(benchmark: BenchmarkFixture, messages: list[bytes | None]) -> None:
    """One in a hundred: the whole batch goes message by message."""
    mixed = [b"{" if place % 100 == 0 else message for place, message in enumerate(messages)]
    columns, faults = benchmark(decode, mixed)
    assert len(columns) + len(faults) == len(messages)
    assert len(faults) == -(-len(messages) // 100)


def test_encode_values(benchmark: BenchmarkFixture, events: EventColumns) -> None:
    assert len(benchmark(encode_values, events)) == len(events)


def test_encode_keys(benchmark: BenchmarkFixture, events: EventColumns) -> None:
    assert len(benchmark(encode_keys, events)) == len(events)


def test_partition_of_each_visitor(benchmark: BenchmarkFixture) -> None:
    visitors = np.random.default_rng(42).integers(0, 2_000_000, 100_000)
    chosen = benchmark(partitions_of, visitors, PARTITIONS)
    assert set(np.unique(chosen)) == set(range(PARTITIONS))
