"""Runs rounds on one embedded stack: producer and consumers at work, faults in threads, then quiet, then the truth."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.faults.catalogue import BURST, BY_NAME
from clickstream.actions.faults.inject import inject_and_revert, prepare
from clickstream.actions.faults.timeline import Step, line
from clickstream.actions.logs import read as logs
from clickstream.actions.processes import consumers, producers
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.pace import Pace
from clickstream.domain.processes import FINAL_STATES, ProcessState, Role
from clickstream.services.kafka.admin import delete_topic
from tests.campaign.plan import Plan, Strike
from tests.campaign.surroundings import Surroundings, surroundings
from tests.campaign.truth import Differences, compare, write_input
from tests.feed import all_committed, query

TRIES_FOR = 40.0
"""Seconds in which a fault is tried again where another one is in its way."""

STRUCK_WITHIN = 240.0
QUIET_WITHIN = 180.0

LOG_LINES = 60

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What became of one planned fault."""

    strike: Strike
    steps: list[Step] = field(default_factory=list)
    payloads: list[bytes | None] = field(default_factory=list)
    trouble: str = ""
    """Why it did not strike, or what did not come back in spite of the others."""
    recovery: float | None = None
    """Seconds from the fault's end until what it broke ran again and something was stored; None: a burst breaks
    nothing, or it did not strike."""

    @property
    def struck(self) -> bool:
        return any(step.on_timeline for step in self.steps)

    def __str__(self) -> str:
        words = line(self.steps) if self.struck else "did not strike"
        return f"{self.strike.name}: {words}" + (f" → {self.trouble}" if self.trouble else "")


@dataclass(slots=True)
class RoundResult:
    """What became of a round."""

    plan: Plan
    outcomes: list[Outcome]
    events: int
    """Distinct events that came through."""
    differences: Differences
    seconds: float
    evidence: str = ""
    """Where there are differences, or it did not become quiet."""


class Progress(threading.Thread):
    """Notes when something was stored, by the offsets in PostgreSQL."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(name="progress", daemon=True)
        self._around = around
        self._over = threading.Event()
        self.seen: list[float] = []

    def run(self) -> None:
        before = -1
        while not self._over.wait(0.2):
            try:
                rows = query(
                    self._around.direct(), "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_offsets"
                )
            except Exception:
                continue
            if rows[0][0] > before:
                before = rows[0][0]
                self.seen.append(time.time())

    def end(self) -> None:
        self._over.set()
        self.join(30)

    def after(self, at: float) -> float | None:
        return next((seen for seen in self.seen if seen >= at), None)


def run_round(home: Home, folder: Path, plan: Plan, say: Say) -> RoundResult:
    """One round; its differences are the result, not an exception."""
    began = time.monotonic()
    file = folder / "events.csv"
    write_input(file, plan.seed, plan.events, plan.visitors)
    outcomes = [Outcome(strike) for strike in plan.strikes]
    stack.up(home)
    with _own_names(plan) as unique, surroundings(plan.surroundings, unique) as around:
        try:
            _begin(load_settings(), plan, file)
            _strike_all(outcomes, around)
            for outcome in outcomes:
                say(f"  {outcome}")
            trouble = _quieten(home, plan, file, around)
            settings = around.direct()
            payloads = [payload for outcome in outcomes for payload in outcome.payloads]
            assert settings.kafka
            events, differences = compare(settings, file, payloads, settings.kafka.partitions)
            if trouble:
                differences.note("not quiet", [trouble])
            result = RoundResult(plan, outcomes, events, differences, time.monotonic() - began)
            if differences.total:
                result.evidence = _evidence(home, result)
        finally:
            _clear(home, around)
    return result


@contextmanager
def _own_names(plan: Plan) -> Iterator[str]:
    """A topic, a schema and a group that no other round uses, all of the name that it gives."""
    unique = f"round_{plan.seed}_{random.randrange(16**6):06x}"
    variables = ("KAFKA_EVENTS_TOPIC", "PG_SCHEMA_NAME", "POSTGRESQL_CONSUMER_GROUP_ID")
    given = dict.fromkeys(variables, unique) | {"CONSUMER_BATCH_SIZE": str(plan.batch_size)}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield unique
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _begin(settings: Settings, plan: Plan, file: Path) -> None:
    consumers.start(settings, count=plan.consumers)
    producers.start(settings, producers.SendingRun(file, pace=Pace(rate=plan.rate)))


def _strike_all(outcomes: list[Outcome], around: Surroundings) -> None:
    """Each in a thread of its own, at its time; returns when all are over and reverted."""
    progress = Progress(around)
    progress.start()
    began = time.monotonic()
    threads = [
        threading.Thread(target=_strike, args=(outcome, began), name=outcome.strike.name, daemon=True)
        for outcome in outcomes
    ]
    for thread in threads:
        thread.start()
    for thread, outcome in zip(threads, outcomes, strict=True):
        thread.join(max(0.0, began + STRUCK_WITHIN - time.monotonic()))
        if thread.is_alive():
            outcome.trouble = f"not over after {STRUCK_WITHIN:g} s"
    progress.end()
    for outcome in outcomes:
        outcome.recovery = _recovery(outcome, progress)


def _strike(outcome: Outcome, began: float) -> None:
    planned = outcome.strike
    time.sleep(max(0.0, began + planned.at - time.monotonic()))  # a plan has times
    deadline = time.monotonic() + TRIES_FOR
    while True:
        try:
            context = prepare(load_settings(), planned.name, seconds=planned.seconds, note=outcome.steps.append)
            context.dice = random.Random(planned.seed)
            try:
                inject_and_revert(context)
            finally:
                outcome.payloads += [message.value for message in context.sent]
            return
        except ClickstreamError as error:  # another fault is in its way
            if outcome.struck or time.monotonic() > deadline:
                outcome.trouble = str(error)
                return
            time.sleep(0.3)
        except Exception as error:
            outcome.trouble = f"internal error: {error!r}"
            return


def _recovery(outcome: Outcome, progress: Progress) -> float | None:
    told = [step for step in outcome.steps if step.on_timeline]
    if not told or outcome.trouble or BY_NAME[outcome.strike.name].kind == BURST:
        return None
    end = told[0].at + (outcome.strike.seconds or 0.0)
    back = told[-1].at
    return max(0.0, (progress.after(back) or back) - end)


def _quieten(home: Home, plan: Plan, file: Path, around: Surroundings) -> str:
    """Everything runs, everything is sent and stored, consumers have stopped. In words what did not come about."""
    deadline = time.monotonic() + QUIET_WITHIN
    last = ""
    while time.monotonic() < deadline:
        try:
            stack.up(home)
            settings = load_settings()
            consumers.start(settings, count=plan.consumers)
            if _all_sent(settings, file) and all_committed(around.direct()):
                consumers.stop(settings)
                return ""
            last = "not all is sent and stored"
        except ClickstreamError as error:
            last = str(error)
        except Exception as error:  # a driver's, of the comparison's own connections
            last = repr(error)
        time.sleep(0.2)
    return f"not quiet after {QUIET_WITHIN:g} s: {last}"


def _all_sent(settings: Settings, file: Path) -> bool:
    """Whether a producer has sent the whole file; one that did not end well is started again, at full speed."""
    control = running(settings.home)
    process = control.snapshot().get("producer") if control else None
    if process is not None and process.state is ProcessState.FINISHED:
        return True
    if process is None or process.state in FINAL_STATES:
        producers.start(settings, producers.SendingRun(file))
    return False


def _clear(home: Home, around: Surroundings) -> None:
    """Leave the stack as it was, for the next round."""
    control = running(home)
    if control is None:
        return
    workers = [process.name for process in control.snapshot().processes if process.role is not Role.SERVER]
    control.stop(workers, kill=True)
    control.remove(workers)
    settings = around.direct()
    assert settings.kafka
    try:
        delete_topic(settings.kafka, settings.kafka.events_topic)
        query(settings, f'DROP SCHEMA IF EXISTS "{os.environ["PG_SCHEMA_NAME"]}" CASCADE')
    except Exception:
        pass


def _evidence(home: Home, result: RoundResult) -> str:
    """All that one needs to find the fault. What each process last said stands at the end, which no report cuts off."""
    parts = [str(result.plan), *map(str, result.outcomes), str(result.differences)]
    for name in sorted(file.stem for file in home.logs.glob("*.log")):
        parts += [f"--- {name}.log", *(line for _, line in logs.tail(home, [name], LOG_LINES))]
    control = running(home)
    processes = control.snapshot().processes if control else ()
    parts += ["--- processes", *map(str, processes)] if processes else ["--- no supervisor runs"]
    return "\n".join(parts)
