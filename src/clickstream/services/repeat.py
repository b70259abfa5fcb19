"""Repeats a request while its error is transient; shared by the services.

A server that starts, recovers or elects a leader answers with an error for a moment. Each service decides
in one place which answers those are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from clickstream.domain.pauses import Pauses

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds for which a command repeats a request: as long as a server may take to start on a slow machine."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


def repeat(request: Callable[[], T], *, is_transient: Callable[[Exception], bool], within: float) -> T:
    """The request's result.

    Args:
        request: may be called several times.
        is_transient: whether an error that it raised passes by itself.
        within: seconds after which no further attempt begins; 0: there is one attempt only.

    Raises:
        Exception: the first error that does not pass, or the last one that does.
    """
    deadline = time.monotonic() + within
    pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
    while True:
        pause = pauses.next()
        try:
            return request()
        except Exception as error:
            if time.monotonic() + pause > deadline or not is_transient(error):
                raise
        time.sleep(pause)
