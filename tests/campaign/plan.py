"""What a round does, drawn from its seed: input, size, the servers' set-up, which faults strike when. Pure."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace

from clickstream.actions.faults.catalogue import FAULTS, KILL_SUPERVISOR, Fault
from tests.campaign import surroundings

STRIKES_WITHIN = 5.0
"""Seconds after the producer's start in which the faults strike."""

LONGER_THAN_THE_GROUP_WAITS = (7.0, 9.0)
"""Seconds of a consumer's freeze: the group gives its partitions to another after six."""

SECONDS = (0.5, 4.0)
"""How long other faults last."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault to come."""

    at: float
    """Seconds after the producer's start."""
    name: str
    seconds: float | None
    """None: it is over at once."""
    seed: int
    """Of what a burst sends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One round."""

    seed: int
    events: int
    visitors: int
    consumers: int
    batch_size: int
    rate: int
    """Events a second that the producer sends."""
    strikes: tuple[Strike, ...]
    surroundings: tuple[str, ...] = ()
    """What others have set otherwise: names of `surroundings`."""

    def __str__(self) -> str:
        strikes = ", ".join(
            f"{strike.name} at {strike.at:.1f} s" + (f" for {strike.seconds:.1f} s" if strike.seconds else "")
            for strike in self.strikes
        )
        odd = f"; {', '.join(self.surroundings)}" if self.surroundings else ""
        return (
            f"seed {self.seed}: {self.events:,} events of {self.visitors:,} visitors at {self.rate:,}/s, "
            f"{self.consumers} consumers, batches of {self.batch_size}{odd}; {strikes}"
        )


def seed_of(seed: int, number: int) -> int:
    """The seed of a round: the first one's is the campaign's own, so that any round can be repeated alone."""
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:6], "big")


def plan_of(seed: int) -> Plan:
    """The round of that seed."""
    dice = random.Random(seed)
    events = dice.randrange(15_000, 30_000)
    count = dice.choice((1, 2, 2, 3, 3, 4))
    faults = dice.sample([fault for fault in FAULTS if not fault.unavailable and fault.kind != KILL_SUPERVISOR], count)
    if dice.random() < 0.15:
        faults[0] = next(fault for fault in FAULTS if fault.kind == KILL_SUPERVISOR)
    plan = Plan(
        seed=seed,
        events=events,
        visitors=dice.choice((40, 400, 4_000)),
        consumers=dice.choice((1, 2, 3, 3)),
        batch_size=dice.choice((50, 100, 300, 1_000, 20_000)),
        rate=round(events / dice.uniform(3.0, 6.0)),
        strikes=tuple(sorted((_strike(dice, fault) for fault in faults), key=lambda strike: strike.at)),
    )
    return replace(plan, surroundings=surroundings.draw(dice))  # last, so that a seed's faults stay what they were


def _strike(dice: random.Random, fault: Fault) -> Strike:
    span = LONGER_THAN_THE_GROUP_WAITS if fault.name == "freeze-consumer" else SECONDS
    seconds = round(dice.uniform(*span), 2) if fault.seconds is not None else None
    return Strike(round(dice.uniform(0.2, STRIKES_WITHIN), 2), fault.name, seconds, dice.randrange(2**32))
