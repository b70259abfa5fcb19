"""What the commands for faults do, in their job's thread: each step is a line under "what happened", and a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.domain.errors import ClickstreamError, UsageError

if TYPE_CHECKING:
    from clickstream.actions.faults.timeline import Step
    from clickstream.tui.jobs import Job


def faults_inject(job: Job) -> str:
    from clickstream.actions.faults.inject import inject
    from clickstream.actions.observe.model import Happening

    name = str(job.arguments.get("name", ""))
    if not name:
        raise UsageError("no fault was chosen", hint="K opens the menu")

    def told(step: Step) -> None:
        words = f"{name}: {step}" if step.aside else str(step)
        job.source.tell([Happening(step.at, step.level, words, mark=not step.aside)])
        job.say(f"{name}: {step.what}")

    job.say(f"{name}: looking how things stand")
    found = inject(job.settings, name, seconds=job.arguments.get("seconds"), note=told, tick=lambda: job.say(job.words))
    if found.proof is not None:
        job.source.verified(found.proof.verification)
    if not found.ok:
        raise ClickstreamError(found.line)
    return f"{name}: {found.line}"
