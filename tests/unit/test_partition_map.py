"""Visitors in several partitions: the protocol of foreign visitors, played through in memory, gives the definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickstream.pipeline.consumer.visitors import PartitionMap
from clickstream.pipeline.sessions import window as window_module
from clickstream.pipeline.sessions.window import NOTHING_STORED, Change, Span, Window
from clickstream.services.postgres.partition_map import Agreement, ForeignVisitors
from clickstream.services.postgres.writes import Outcome
from tests.algebra import TIMEOUT, MemoryStore, as_columns, batches
from tests.oracle import Event, sessions_of

PARTITIONS = 3

steps = st.lists(st.tuples(st.sampled_from(["prepare", "commit"]), st.integers(0, PARTITIONS - 1)), max_size=80)


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "SOFT_LIMIT", 6)
    monkeypatch.setattr(window_module, "HARD_LIMIT", 20)


class Shared:
    """The tables: what is stored, the agreement, and which foreign visitors were stored."""

    def __init__(self, partitions: int) -> None:
        self.rows = MemoryStore()
        self.agreement = Agreement(1, 1, partitions)
        self.foreign: list[tuple[int, int, np.ndarray]] = []  # type: ignore[type-arg]
        self.refused = 0

    def since(self, version: int) -> Iterator[tuple[int, np.ndarray]]:  # type: ignore[type-arg]
        return ((partition, visitors) for at, partition, visitors in self.foreign if at > version)

    def unchanged(self, foreign: ForeignVisitors) -> bool:
        return (
            len(self.rows.lookup(Span(foreign.span_visitor, foreign.span_low_ms, foreign.span_high_ms)))
            == foreign.known
        )


@dataclass
class Reader:
    """One partition's consumer: batches that it read and prepared, and has not committed."""

    partition: int
    shared: Shared
    unread: list[list[Event]]
    window: Window = field(init=False)
    partition_map: PartitionMap = field(init=False)
    number: int = 0
    committed: int = 0
    in_flight: list[tuple[int, list[Event], Agreement, ForeignVisitors | None, Change]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        everybody = [visitors for _, visitors in self.shared.since(-1)]
        foreign = np.unique(np.concatenate(everybody)) if everybody else np.empty(0, np.int64)
        self.partition_map = PartitionMap(self.shared.agreement, foreign)
        rows = self.shared.rows
        self.window = Window(TIMEOUT, mark=rows.newest() + 1 if rows.events else NOTHING_STORED)

    def prepare(self) -> None:
        if not self.unread or len(self.in_flight) == 2:
            return
        batch, agreement = self.unread.pop(0), self.partition_map.agreement
        self.number += 1
        change, foreign = self.partition_map.merge(
            self.window,
            self.partition,
            as_columns(batch),
            (self.number, self.committed),
            self.shared.rows.lookup,
        )
        self.in_flight.append((self.number, batch, agreement, foreign, change))

    def commit(self) -> None:
        if not self.in_flight:
            return
        number, _, seen, own, change = self.in_flight[0]
        tables = self.shared
        others = [visitors for who, visitors in tables.since(seen.version) if who != self.partition]
        named = any(np.isin(change.events.visitor_id, one).any() for one in others)
        if named or seen.epoch != tables.agreement.epoch or not (own is None or tables.unchanged(own)):
            tables.refused += 1
            self.unread[:0] = [batch for _, batch, *_ in self.in_flight]
            self.in_flight.clear()
            self.open()
            return
        tables.rows.apply(change)
        self.in_flight.pop(0)
        self.committed = number
        foreign = np.concatenate([np.empty(0, np.int64), *(visitors for _, visitors in tables.since(seen.version))])
        version = tables.agreement.version
        if own is not None:
            version += 1
            tables.agreement = Agreement(tables.agreement.epoch, version, tables.agreement.partitions)
            tables.foreign.append((version, self.partition, own.visitors))
            foreign = np.union1d(foreign, own.visitors)
        self.partition_map.learn(Outcome(0, version, foreign))


@pytest.mark.parametrize("examples", [70, pytest.param(400, marks=pytest.mark.slow)])
def test_any_visitor_in_any_partition_gives_the_definition(examples: int) -> None:
    @settings(max_examples=examples)
    @given(read=st.lists(batches, min_size=PARTITIONS, max_size=PARTITIONS), steps=steps, grow_at=st.integers(0, 80))
    def holds(read: list[list[list[Event]]], steps: list[tuple[str, int]], grow_at: int) -> None:
        tables = Shared(2)
        readers = [Reader(number, tables, list(own)) for number, own in enumerate(read)]
        for at, (step, number) in enumerate(steps):
            if at == grow_at:  # the topic has grown: visitors move to other partitions
                tables.agreement = Agreement(2, tables.agreement.version + 1, PARTITIONS)
            getattr(readers[number], step)()
        while any(reader.unread or reader.in_flight for reader in readers):
            for reader in readers:
                reader.prepare()
                reader.commit()
        everything = [event for own in read for batch in own for event in batch]
        assert tables.rows.events == set(everything)
        assert set(tables.rows.sessions.values()) == sessions_of(everything, TIMEOUT)

    holds()


def test_two_readers_of_one_visitor_get_into_each_others_way_and_are_told() -> None:
    tables = Shared(2)
    first, second = (Reader(number, tables, [[Event(1, 10 * number, 0, 1)]]) for number in range(2))
    first.prepare()
    second.prepare()
    first.commit()
    second.commit()
    assert tables.refused == 1
    second.prepare()
    second.commit()
    assert [session.views for session in tables.rows.sessions.values()] == [2]
