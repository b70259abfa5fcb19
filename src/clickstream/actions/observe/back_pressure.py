"""How a consumer spends its time, and which stage is its bottleneck. Pure; sends no requests.

A consumer has two threads. One prepares batches: it waits for messages (idle), fetches, decodes and computes sessions,
and waits for PostgreSQL when two batches are queued; these shares of its time add up to 1. The other one commits in
parallel: `postgresql` is the share of the time in which it had a transaction under way. The busier thread is the
bottleneck.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from clickstream.actions.observe.model import DOWN, SILENT
from clickstream.domain.processes import ProcessState, Role
from clickstream.domain.reports import STAGES, WorkerState

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, ProcessRow

NOTHING, UNKNOWN, TRANSACTION = "", "unknown", "transaction"
"""No bottleneck: it waits for messages; it has not reported; it waits for another producer's transaction to end."""

NO_ANSWER = " does not answer"
"""How a bottleneck ends that is a server: its name comes before."""

COMMITS = "postgresql"
"""The stage on the thread that commits."""

MOSTLY_WAITS = 0.5
"""The share of the time spent waiting for messages from which nothing holds a consumer up."""

IN_STEP = 500
"""A lag up to this many messages, or to what it stores in a second, is the work under way."""

WORTH_NAMING = 0.05
"""A stage with a smaller share of the time than this is not a bottleneck."""


class BackPressure(msgspec.Struct, frozen=True):
    """One consumer over the last second. Shares of the time are from 0 to 1."""

    worker: str
    activity: str
    batch_fill: float
    """Messages of an average batch over the most that one may hold."""
    idle: float
    """Share of the time that the preparing thread waited for messages."""
    stages: dict[str, float]
    """Share of the time by stage. All but `postgresql` are the preparing thread's, and make 1 together with `waits`;
    `postgresql` runs beside them, on the thread that commits."""
    bottleneck: str
    """The longest stage of the busier thread, or the word of what it waits for; empty: nothing holds it up."""
    batches: int
    """Since this life began, like the next."""
    rebalances: int | None
    """None: it does not count them."""
    waits: float = 0.0
    """Share of the time that the preparing thread did none of this: mostly it waited until PostgreSQL took a batch."""


ENDED = {ProcessState.STOPPED, ProcessState.FINISHED}
"""States of a worker that somebody stopped, or that had done its work: nothing holds it up."""


def pressures(frame: Frame) -> tuple[BackPressure, ...]:
    """That of every consumer but those that were stopped."""
    down = tuple(name for name in (COMMITS, "kafka") if frame.service(name).state is DOWN)
    rows = (row for row in frame.workers(Role.CONSUMER) if row.state not in ENDED)
    return tuple(back_pressure(row, frame.held_partitions, down) for row in rows)


def back_pressure(row: ProcessRow, held: Collection[int] = (), down: Sequence[str] = ()) -> BackPressure:
    """What this consumer last said of itself, unless that cannot be all.

    Args:
        row: of the consumer.
        held: partitions that an open transaction holds back.
        down: names of servers that it needs and that do not answer; a consumer whose commit hangs does not say so.
    """
    report = row.report
    if report is None or row.state != "running":
        return BackPressure(row.name, row.activity or row.state, 0.0, 0.0, {}, UNKNOWN, 0, None)
    stages = {name: report.stages.get(name, 0.0) for name in STAGES}
    prepared = sum(share for name, share in stages.items() if name != COMMITS)
    return BackPressure(
        worker=row.name,
        activity=row.activity or row.state,
        batch_fill=report.batch_fill,
        idle=stages["idle"],
        stages=stages,
        bottleneck=_no_answer(row, down)
        or _bottleneck(row, stages)
        or (TRANSACTION if set(held) & set(row.partitions) else NOTHING),
        batches=report.counters.get("batches", 0),
        rebalances=report.counters.get("rebalances"),
        waits=round(max(0.0, 1 - prepared), 3) if prepared else 0.0,
    )


def _no_answer(row: ProcessRow, down: Sequence[str]) -> str:
    if row.activity == SILENT:
        return SILENT
    return f"{down[0]}{NO_ANSWER}" if down and row.lag else NOTHING


def _bottleneck(row: ProcessRow, stages: Mapping[str, float]) -> str:
    if row.activity == WorkerState.WAITING:
        return row.detail.partition(NO_ANSWER)[0] if NO_ANSWER in row.detail else "waiting"
    prepares = {name: share for name, share in stages.items() if name not in {"idle", COMMITS}}
    name = max(prepares, key=lambda stage: prepares[stage])
    if stages[COMMITS] >= sum(prepares.values()):
        name = COMMITS
    # While messages trickle in, a fetch is a wait for them too.
    keeps_up = (row.lag or 0) <= max(IN_STEP, row.rate)
    waits = stages["idle"] + (stages["fetch"] if keeps_up else 0.0)
    if waits >= MOSTLY_WAITS or stages[name] < WORTH_NAMING:
        return NOTHING
    return name
