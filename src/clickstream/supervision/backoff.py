"""How long to wait before a process that died is started again, and when to give up. Owns no clock and no process."""

from __future__ import annotations

import random
from collections.abc import Callable

from clickstream.domain.pauses import Pauses
from clickstream.domain.processes import RestartPolicy


class RestartBackoff:
    """Counts quick deaths in a row against a RestartPolicy."""

    def __init__(self, policy: RestartPolicy, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._policy = policy
        self._pauses = Pauses(policy.first_delay, policy.max_delay, uniform)
        self.quick_deaths = 0

    def died(self, healthy_seconds: float) -> float | None:
        """Seconds until the next start; None to give up.

        Args:
            healthy_seconds: how long it was ready before it died; 0 if it never was. Counted from readiness, since a
                process that hangs for a minute before it fails has not been healthy for a minute.
        """
        if healthy_seconds >= self._policy.healthy_after:
            self.quick_deaths = 0
            self._pauses.reset()
        self.quick_deaths += 1
        return None if self.quick_deaths >= self._policy.give_up_after else self._pauses.next()
