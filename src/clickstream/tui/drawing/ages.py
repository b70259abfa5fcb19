"""Decides when a figure shows its age, and words it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clickstream.tui.drawing.text import clock, seconds

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Figure, Frame

OLD = 3.0
"""Seconds from which a figure is older than what stands beside it, and says so."""

WHOLE_SECONDS = 99.5
"""Seconds below which an age is given in whole seconds."""


def age(at: float, now: float) -> str:
    """`12 s ago` where it is old; else empty."""
    old = now - at
    return f"{f'{old:.0f} s' if old < WHOLE_SECONDS else seconds(old)} ago" if old > OLD else ""


def since(at: float, now: float) -> str:
    """`as of 14:02:31, 12 s ago` where it is old; else empty."""
    return f"as of {clock(at)}, {age(at, now)}" if age(at, now) else ""


def age_of(figure: Figure[Any] | None, now: float) -> str:
    """The same for a figure; empty where there is none."""
    return age(figure.at, now) if figure else ""


def since_of(figure: Figure[Any] | None, now: float) -> str:
    """The same for a figure; empty where there is none."""
    return since(figure.at, now) if figure else ""


def lag_at(frame: Frame) -> float:
    """The time of the oldest lag figure; now where no lag is known."""
    return min((row.as_of for row in frame.partitions), default=frame.at)
