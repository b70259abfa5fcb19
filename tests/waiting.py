"""Waits, in tests that drive the dashboard, for what is to come true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

AT_MOST = 60.0
"""Seconds; so long only for a machine that is very busy."""


async def until(pilot: Pilot[None], true: Callable[[], Any], what: str = "it") -> None:
    """Let the app work until it is true."""
    deadline = time.monotonic() + AT_MOST
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come true"
        await pilot.pause(0.01)
