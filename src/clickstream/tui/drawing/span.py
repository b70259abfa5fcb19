"""The span of the overview's charts: one to five minutes, as far back as messages flowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame

LONGEST = 300


def span(frame: Frame) -> int:
    """Seconds, in whole minutes."""
    history = frame.history
    count = len(history.at)
    for index, values in enumerate(zip(history.produced, history.stored, history.lag, strict=True)):
        if any(value > 0 for value in values):  # NaN is not
            return min(LONGEST, max(60, -(-(count - index) // 60) * 60))
    return 60
