"""Offsets of the events topic: the one place where the lag of a Frame is computed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clickstream.domain.errors import ClickstreamError


class PartitionOffsets(msgspec.Struct, frozen=True):
    """One partition."""

    begin: int
    """The oldest offset that Kafka holds."""
    end: int
    """The offset of the next message to come."""
    position: int
    """What is before it is stored, or indexed; read before `end` was asked for."""

    @property
    def lag(self) -> int:
        """Messages that wait. As the position is the older reading, what was stored in between counts as waiting, and a
        lag of 0 is true."""
        return max(0, self.end - self.position)

    @property
    def messages(self) -> int:
        """Messages that Kafka holds."""
        return self.end - self.begin


def positions(
    stored: Mapping[int, int], begins: Mapping[int, int], ends: Mapping[int, int], reset: str
) -> dict[int, int]:
    """Where each partition is: where it was committed, else where it begins to be read (`earliest` or `latest`)."""
    starts = begins if reset == "earliest" else ends
    return {partition: stored.get(partition, starts[partition]) for partition in ends}


def index_offsets(
    committed: Mapping[int, int], begins: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, PartitionOffsets]:
    """Those of the indexers' group, which reads what it never committed from its beginning."""
    at = positions(committed, begins, ends, "earliest")
    return {p: PartitionOffsets(begins[p], ends[p], at[p]) for p in sorted(ends)}


def missing_topic(name: str) -> ClickstreamError:
    """Says how to get it."""
    return ClickstreamError(
        f"topic {name} does not exist", hint="`clickstream consumer start` makes it, and so does `clickstream demo`"
    )
