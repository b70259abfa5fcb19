"""The back-pressure report: the figures of the dashboard's third screen, after some seconds of watching."""

from __future__ import annotations

import time
from collections.abc import Callable

from clickstream.actions.observe.model import Frame
from clickstream.actions.observe.once import refuse_unknown
from clickstream.actions.observe.watcher import Watcher
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError

LOOK_FOR = 4.0
"""Seconds of watching from the first figures on: rates are taken over three."""

PATIENCE = 15.0
"""Seconds to wait for the first figures."""


def report(load: Callable[[], Settings]) -> Frame:
    """Watch for a few seconds. Raises ClickstreamError when the topic is missing or a server does not answer."""
    with Watcher(load) as watcher:
        began = time.monotonic()
        first: float | None = None
        for frame in watcher.frames():
            now = time.monotonic()
            if frame.partitions and first is None:
                first = now
            if first is not None and now - first >= LOOK_FOR:
                return frame
            refuse_unknown(frame)
            if first is None and now - began > PATIENCE:
                raise ClickstreamError(f"no figures within {PATIENCE:g} s")
    raise ClickstreamError("nothing was seen")
