"""End-to-end latency over the last seconds, as percentiles, from the consumers' histograms. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from clickstream.actions.observe.model import Latency
from clickstream.domain.reports import LATENCY_EDGES_MS

OVER = 10.0
"""Seconds that the percentiles look back."""

Counts = tuple[int, ...]


class LatencyMeter:
    """Takes the cumulative histograms of all consumers, sample after sample."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[str, Counts]]] = deque()

    def sample(self, at: float, histograms: Mapping[str, Counts]) -> Latency | None:
        """The percentiles of what was stored in the last OVER seconds; None: nothing was.

        Args:
            at: seconds of any clock.
            histograms: for each life of each consumer (its name with its start), its counts since that life began.
        """
        self._samples.append((at, dict(histograms)))
        while len(self._samples) > 2 and at - self._samples[1][0] >= OVER:
            self._samples.popleft()
        before = self._samples[0][1]
        total = [0] * (len(LATENCY_EDGES_MS) + 1)
        for life, counts in histograms.items():
            # A life that began since then counts from nothing; at the very first sample nothing is known to be recent.
            earlier = before.get(life, () if len(self._samples) > 1 else counts)
            for bucket, count in enumerate(counts[: len(total)]):
                total[bucket] += max(0, count - (earlier[bucket] if bucket < len(earlier) else 0))
        return latency_of([tuple(total)])


def latency_of(histograms: Sequence[Counts]) -> Latency | None:
    """The percentiles of all these histograms together; None: nothing was measured."""
    total = [sum(bucket) for bucket in zip(*histograms, strict=True)]
    samples = sum(total)
    if not samples:
        return None
    return Latency(percentile(total, 0.5), percentile(total, 0.95), percentile(total, 0.99), samples)


def percentile(counts: Sequence[int], share: float) -> float:
    """The value below which `share` (0 to 1) of the counts lie, evenly spread within their bucket, in milliseconds.

    What lies beyond the last edge counts as that edge.
    """
    wanted = share * sum(counts)
    seen = 0
    low = 0.0
    for count, high in zip(counts, LATENCY_EDGES_MS, strict=False):
        if count and seen + count >= wanted:
            return low + (high - low) * (wanted - seen) / count
        seen += count
        low = float(high)
    return low
