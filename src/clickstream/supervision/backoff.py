"""How long to wait before a process that died is started again, and when to give up. Owns no clock and no process."""

from __future__ import annotations

import random
from collections.abc import Callable

from clickstream.domain.processes import RestartPolicy


class RestartBackoff:
    """Counts quick deaths in a row against a RestartPolicy."""

    def __init__(self, policy: RestartPolicy, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._policy = policy
        self._uniform = uniform
        self.quick_deaths = 0

    def died(self, healthy_seconds: float) -> float | None:
        """Seconds until the next start; None to give up.

        Args:
            healthy_seconds: how long it was ready before it died; 0 if it never was. Counted from readiness, since a
                process that hangs for a minute before it fails has not been healthy for a minute.
        """
        if healthy_seconds >= self._policy.healthy_after:
            self.quick_deaths = 0
        self.quick_deaths += 1
        if self.quick_deaths >= self._policy.give_up_after:
            return None
        doublings = min(self.quick_deaths - 1, 60)  # beyond it the power would overflow a float
        delay = min(self._policy.max_delay, self._policy.first_delay * 2.0**doublings)
        return self._uniform(delay / 2, delay)  # jitter keeps processes that fell together from rising together
