"""What followed a fault, step by step, and the one line that sums it up. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickstream.actions.observe.model import INFO, Severity


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: float
    """Unix seconds."""
    what: str
    """In a word or two: `killed`, `restarted`, `lag drained`."""
    detail: str = ""
    """To whom, or how; a half sentence."""
    level: Severity = INFO
    """INFO, GOOD, WARN or BAD."""
    on_timeline: bool = True
    """False: shown as it happens, and left out of the line."""

    def __str__(self) -> str:
        return f"{self.what} ({self.detail})" if self.detail else self.what


Note = Callable[[Step], None]
"""Called with each step as it happens, in the thread that injects."""


def line(steps: Sequence[Step]) -> str:
    """`killed 12:00:01.2 → restarted +1.2 s → lag drained +6.0 s → verify: 0 lost, 0 doubled`, in local time.

    A step whose words end with the figure that matters (they hold a colon) bears no time.
    """
    shown = [step for step in steps if step.on_timeline]
    words = []
    for number, step in enumerate(shown):
        if number == 0:
            words.append(f"{step.what} {clock(step.at)}")
        elif ":" in step.what:
            words.append(step.what)
        else:
            words.append(f"{step.what} +{max(0.0, step.at - shown[0].at):.1f} s")
    return " → ".join(words)


def clock(at: float) -> str:
    """12:00:01.2 in local time."""
    tenths = int(at * 10)
    return f"{time.strftime('%H:%M:%S', time.localtime(tenths // 10))}.{tenths % 10}"
