"""The position history: where the consumers were in each partition over the last hours, as they noted it themselves.

Any terminal on any host can read it, even one that was not open at that time. Without it a chart of the lag has no
past; nothing else is lost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

import valkey

from clickstream.domain.reports import check_figures
from clickstream.services.valkey.connection import PREFIX, translated

KEPT_SECONDS: Final = 2 * 3600
"""How far the history reaches back."""

NOTED_EVERY: Final = 5.0
"""Seconds from one note of a consumer to its next."""

_BEFORE: Final = 60.0
"""Seconds before a span from which points are read too, so that its beginning lies between two points."""

_AT: Final = b"at"

Point = tuple[float, dict[int, int]]
"""Unix seconds, and partition to the offset up to which everything was stored then."""


class PositionHistory:
    """The points of one topic's consumers."""

    def __init__(self, client: valkey.Valkey, *, topic: str) -> None:
        self._client = client
        self._key = f"{PREFIX}trail:{topic}"

    def add(self, at: float, positions: Mapping[int, int]) -> None:
        """Note where one consumer is; old points fade. Raises ServiceUnavailable or ServiceRefused."""
        fields = {_AT: repr(at).encode(), **{str(p).encode(): str(offset).encode() for p, offset in positions.items()}}
        oldest = int((time.time() - KEPT_SECONDS) * 1000)
        with translated():
            self._client.xadd(self._key, cast("Any", fields), minid=oldest, approximate=True)
            self._client.expire(self._key, KEPT_SECONDS)

    def read(self, since: float) -> list[Point]:
        """All consumers' points from shortly before `since` (Unix seconds) on, oldest first. Raises like `add`."""
        with translated():
            entries = self._client.xrange(self._key, min=str(int((since - _BEFORE) * 1000)))
        points = [_point(fields) for _, fields in cast("list[tuple[bytes, dict[bytes, bytes]]]", entries)]
        return sorted((point for point in points if point), key=lambda point: point[0])


def _point(fields: dict[bytes, bytes]) -> Point | None:
    """None: no consumer of ours noted it."""
    try:
        at, positions = float(fields[_AT]), {int(name): int(value) for name, value in fields.items() if name != _AT}
        check_figures((at, *positions, *positions.values()))
    except (KeyError, ValueError):
        return None
    return at, positions
