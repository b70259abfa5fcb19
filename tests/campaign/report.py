"""The campaign as a whole: its rounds one after another, and the report in a few lines and as plain data."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clickstream.config.paths import Home
from tests.campaign.plan import plan_of, seed_of
from tests.campaign.run import RoundResult, run_round


@dataclass(slots=True)
class Report:
    """What a campaign found."""

    seed: int
    rounds: list[RoundResult] = field(default_factory=list)

    @property
    def differences(self) -> int:
        return sum(result.differences.total for result in self.rounds)

    @property
    def failed(self) -> list[RoundResult]:
        return [result for result in self.rounds if result.differences.total]

    @property
    def struck(self) -> Counter[str]:
        return Counter(o.strike.name for result in self.rounds for o in result.outcomes if o.struck)

    @property
    def surroundings(self) -> Counter[str]:
        return Counter(name for result in self.rounds for name in result.plan.surroundings)

    @property
    def recoveries(self) -> list[float]:
        return [o.recovery for result in self.rounds for o in result.outcomes if o.recovery is not None]

    def document(self) -> dict[str, Any]:
        """As plain data."""
        recoveries = self.recoveries
        return {
            "seed": self.seed,
            "rounds": len(self.rounds),
            "faults": dict(sorted(self.struck.items())),
            "surroundings": dict(sorted(self.surroundings.items())),
            "events": sum(result.events for result in self.rounds),
            "differences": self.differences,
            "recovery_seconds_median": round(statistics.median(recoveries), 1) if recoveries else None,
            "recovery_seconds_worst": round(max(recoveries), 1) if recoveries else None,
            "seconds": round(sum(result.seconds for result in self.rounds), 1),
            "failed_rounds": [
                {"seed": result.plan.seed, "differences": result.differences.counts, "evidence": result.evidence}
                for result in self.failed
            ],
        }

    def __str__(self) -> str:
        found = self.document()
        faults, odd = (
            ", ".join(f"{name} {count}" for name, count in found[kind].items()) for kind in ("faults", "surroundings")
        )
        lines = [
            f"fault campaign: seed {self.seed}, {found['rounds']} rounds in {found['seconds']:,.0f} s",
            f"faults        {sum(self.struck.values())} of {len(self.struck)} kinds: {faults}",
            f"set-ups       {odd or 'ours only'}",
            f"events        {found['events']:,} through",
            f"differences   {found['differences']}",
            f"recovery      median {found['recovery_seconds_median']} s, worst {found['recovery_seconds_worst']} s",
        ]
        lines += [f"failed        seed {result.plan.seed}: {result.differences}" for result in self.failed]
        return "\n".join(lines)


def campaign(
    home: Home, folder: Path, *, seed: int, rounds: int, say: Callable[[str], None], minutes: float = float("inf")
) -> Report:
    """Run the rounds on the stack of `home`, with files in `folder`; ends early when `minutes` are over."""
    report = Report(seed)
    spent = 0.0
    for number in range(rounds):
        if spent > minutes * 60:
            say(f"stopped after {number} of {rounds} rounds: {minutes:g} minutes are over")
            break
        plan = plan_of(seed_of(seed, number))
        say(f"round {number + 1} of {rounds}, {plan}")
        try:
            result = run_round(home, folder, plan, say)
        except KeyboardInterrupt:
            say(f"stopped in round {number + 1}")
            break
        spent += result.seconds
        report.rounds.append(result)
        say(f"  {result.events:,} events, {result.differences.total} differences, {result.seconds:.1f} s")
        if result.evidence:
            say(result.evidence)
    return report
