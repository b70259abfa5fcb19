"""Latency percentiles out of cumulative histograms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.observe.percentiles import OVER, LatencyMeter, percentile
from clickstream.domain.reports import LATENCY_EDGES_MS

BUCKETS = len(LATENCY_EDGES_MS) + 1


def counts(**at: int) -> tuple[int, ...]:
    """`counts(_20=5)`: five in the bucket whose upper edge is 20 ms."""
    found = [0] * BUCKETS
    for name, count in at.items():
        found[LATENCY_EDGES_MS.index(int(name[1:]))] = count
    return tuple(found)


def test_nothing_is_known_of_what_lies_before_the_first_sample() -> None:
    meter = LatencyMeter()
    assert meter.sample(0, {"a": counts(_300000=99)}) is None
    latency = meter.sample(1, {"a": tuple(x + y for x, y in zip(counts(_300000=99), counts(_20=10), strict=True))})
    assert latency
    assert latency.samples == 10
    assert 15 <= latency.p50 <= latency.p95 <= latency.p99 <= 20


def test_a_life_that_began_since_counts_whole() -> None:
    meter = LatencyMeter()
    meter.sample(0, {"a 1": counts(_20=10)})
    latency = meter.sample(1, {"a 2": counts(_50=4)})
    assert latency
    assert latency.samples == 4
    assert 30 <= latency.p50 <= 50


def test_what_is_older_than_the_window_is_forgotten() -> None:
    meter = LatencyMeter()
    meter.sample(0, {"a": counts()})
    for second in range(1, int(OVER) + 3):
        latest = meter.sample(second, {"a": counts(_20=10)})
    assert latest is None


@given(st.lists(st.integers(0, 50), min_size=BUCKETS, max_size=BUCKETS).filter(any))
def test_percentiles_are_ordered_and_within_the_edges(found: list[int]) -> None:
    values = [percentile(found, share) for share in (0.0, 0.25, 0.5, 0.95, 0.99, 1.0)]
    assert values == sorted(values)
    assert values[0] >= 0
    assert values[-1] <= LATENCY_EDGES_MS[-1]
