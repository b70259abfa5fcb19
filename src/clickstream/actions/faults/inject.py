"""Injects a fault, reverts it, waits until all messages are stored, and proves it. One time line shows the steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clickstream.actions.faults import bursts, effects, network, proof, timeline
from clickstream.actions.faults.catalogue import (
    BURST,
    BY_NAME,
    CUT,
    FILL_DISK,
    FLUSH,
    FREEZE,
    INDEXER,
    KILL,
    KILL_SUPERVISOR,
    LONGEST_SECONDS,
    OPENSEARCH,
    STOP,
    Fault,
)
from clickstream.actions.faults.context import Context, check
from clickstream.actions.faults.proof import Proof
from clickstream.actions.faults.timeline import Note, Step
from clickstream.actions.observe.model import BAD, GOOD
from clickstream.actions.verify.sessions import document as verification_document
from clickstream.config.settings import Settings
from clickstream.domain import spelling
from clickstream.domain.errors import ClickstreamError, Interrupted, UsageError

_EFFECTS: dict[str, Callable[[Context], None]] = {
    KILL: effects.kill,
    FREEZE: effects.freeze,
    STOP: effects.stop,
    FILL_DISK: effects.fill_disk,
    CUT: network.cut,
    FLUSH: effects.flush,
    BURST: bursts.burst,
    KILL_SUPERVISOR: effects.kill_supervisor,
}


@dataclass(slots=True)
class Injection:
    """A fault and what followed."""

    fault: str
    seconds: float
    """How long it was to last; 0 for one that is over at once."""
    steps: list[Step] = field(default_factory=list)
    proof: Proof | None = None
    """None: it did not come that far."""
    trouble: str = ""
    """Why something did not come back, or nothing could be proved; empty when all did."""

    @property
    def ok(self) -> bool:
        return not self.trouble and self.proof is not None and self.proof.ok

    @property
    def line(self) -> str:
        """The time line."""
        words = timeline.line(self.steps)
        return f"{words} → {self.trouble}" if self.trouble else words


def find(name: str) -> Fault:
    """The fault of that name. Raises UsageError."""
    fault = BY_NAME.get(name)
    if fault is None:
        raise UsageError(
            f"no fault is called {name}", hint=spelling.hint(name, BY_NAME, "`clickstream faults list` names them")
        )
    return fault


def prepare(
    settings: Settings,
    name: str,
    *,
    seconds: float | None = None,
    on: str = "",
    note: Note = lambda step: None,
    tick: Callable[[], None] = lambda: None,
) -> Context:
    """All that can be wrong before anything is broken.

    Args:
        settings: those of now.
        name: of the fault.
        seconds: how long it lasts; None: as long as it does by itself.
        on: the process that it is injected into; empty: of several of its role, the one with the most to do.
        note: told of each step.
        tick: called about once a second while it waits; what it raises ends the waiting, and reverts the fault.

    Raises:
        UsageError: an unknown fault, one that cannot be had here, or wrong options.
        ClickstreamError: nothing runs here.
    """
    fault = find(name)
    if seconds is not None and fault.seconds is None:
        raise UsageError(f"{name} is over at once, so it cannot last", hint="leave out --for")
    if seconds is not None and not 0 < seconds <= LONGEST_SECONDS:
        raise UsageError(f"a fault may last up to {LONGEST_SECONDS:g} seconds, not {seconds:g}")
    context = Context(settings, fault, seconds if seconds is not None else fault.seconds or 0.0, note, tick, on)
    check(context)
    return context


def inject_and_revert(context: Context) -> None:
    """Break it, revert that, and return when what was broken runs again.

    It is reverted in any case, also when the caller is interrupted.

    Raises:
        ClickstreamError: something did not come back.
    """
    _EFFECTS[context.fault.kind](context)


def inject(
    settings: Settings,
    name: str,
    *,
    seconds: float | None = None,
    on: str = "",
    note: Note = lambda step: None,
    tick: Callable[[], None] = lambda: None,
) -> Injection:
    """Inject it, and prove that nothing was lost by it. See `prepare` for arguments and errors.

    What goes wrong once it is injected raises nothing: it is the injection's trouble.
    """
    context = prepare(settings, name, seconds=seconds, on=on, tick=tick)
    injection = Injection(name, context.seconds)

    def add_step(step: Step) -> None:
        injection.steps.append(step)
        note(step)

    context.note = add_step
    since, index = proof.sample(settings), context.fault.target in {OPENSEARCH, INDEXER}
    try:
        inject_and_revert(context)
        ends = proof.sample(context.settings).ends
        context.add_step("lag drained", level=GOOD, at=proof.await_drained(context.settings, ends, tick, index=index))
        injection.proof = found = proof.prove(context.settings, since, ends, index=index)
    except Interrupted:
        raise
    except ClickstreamError as error:
        injection.trouble = str(error)
        add_step(Step(time.time(), "trouble", str(error), BAD, on_timeline=False))
    else:
        add_step(_verdict(found))
    return injection


def document(injection: Injection) -> dict[str, Any]:
    """As plain data, verdict first."""
    found, steps = injection.proof, injection.steps
    return {
        "fault": injection.fault,
        "ok": injection.ok,
        "seconds": injection.seconds,
        "time_line": injection.line,
        "steps": [
            {"at": round(s.at, 3), "after_seconds": round(s.at - steps[0].at, 3), "what": s.what, "detail": s.detail}
            for s in steps
        ],
        "trouble": injection.trouble,
        "messages_checked": found.messages if found else 0,
        "all_messages_checked": found is not None and not found.cut,
        "lost": found.lost if found else None,
        "lost_messages": found.places if found else [],
        "doubled": found.verification.duplicate_events if found else None,
        "verify": verification_document(found.verification) if found else None,
        "not_indexed": found.unindexed if found else None,
    }


def _verdict(found: Proof) -> Step:
    verification = found.verification
    words = f"verify: {found.lost:,} lost, {verification.duplicate_events:,} doubled"
    wrong = verification.missing + verification.unexpected + verification.different
    if wrong:
        words += f", {wrong:,} sessions wrong"
    if found.unindexed is not None:
        words += f", {found.unindexed:,} not indexed"
    detail = f"{found.messages:,} messages read back"
    if found.cut:
        detail += f", of more: no more than {proof.MOST_MESSAGES:,} are"
    if found.places:
        detail += f"; lost: {', '.join(found.places)}"
    return Step(time.time(), words, detail, GOOD if found.ok else BAD)
