"""Waits, in tests, for what is to come true: no test sleeps, and none has a loop of its own for it."""

from __future__ import annotations

import asyncio
import os
import re
import select
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from textual.pilot import Pilot  # which most tests do not need

AT_MOST = 120.0
"""Seconds; so long only for a machine that is very busy."""

T = TypeVar("T")


def _pauses(what: str, seconds: float, evidence: Callable[[], object] | None) -> Iterator[float]:
    """Longer and longer: many conditions connect to servers, which takes a core from those that are awaited."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.3, 0.2)
    raise AssertionError(f"still not after {seconds:g} s: {what}" + (f"\n{evidence()}" if evidence else ""))


def wait_until(
    condition: Callable[[], T | None],
    what: str,
    seconds: float = AT_MOST,
    evidence: Callable[[], object] | None = None,
) -> T:
    """What the condition answers once it holds. Where it never does, `evidence` says what there is instead."""
    pauses = _pauses(what, seconds, evidence)
    while not (found := condition()):
        time.sleep(next(pauses))
    return found


async def wait_until_async(
    condition: Callable[[], T | None], what: str, pause: Callable[[float], Awaitable[Any]] = asyncio.sleep
) -> T:
    """The same, while the event loop works on."""
    pauses = _pauses(what, AT_MOST, None)
    while not (found := condition()):
        await pause(next(pauses))
    return found


async def until(pilot: Pilot[None], condition: Callable[[], T | None], what: str = "what this line awaits") -> T:
    """The same, while the dashboard works on."""
    return await wait_until_async(condition, what, pilot.pause)


def first(items: Iterator[T], condition: Callable[[T], object], what: str) -> T:
    """The first of the items to come for which the condition holds."""
    return wait_until(lambda: item if condition(item := next(items)) else None, what)


def read_until(terminal: int, *words: str) -> str:
    """What a program draws on its terminal, without colours, up to the point where it holds all these words."""
    drawn = ""

    def all_there() -> bool:
        nonlocal drawn
        while select.select([terminal], [], [], 0)[0]:
            drawn = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", drawn + os.read(terminal, 65_536).decode(errors="replace"))
        return all(one in drawn for one in words)

    wait_until(all_there, f"{words} on the terminal", evidence=lambda: drawn[-2_000:])
    return drawn
