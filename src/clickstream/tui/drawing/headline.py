"""The headline: the most important message and the key that answers it; and whether the pipeline flows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clickstream.actions.observe.model import ASKING, DOWN, LAGGING, STALLED, STOPPED, UP, Frame
from clickstream.domain.obstacles import COMPACTION, named
from clickstream.tui.drawing.states import BUSY, DIM, FAILED, OKAY, TITLES, StateStyle, service_style
from clickstream.tui.drawing.text import exact, rate, seconds

MOVING = 0.5
"""Events a second from which something flows."""

SERVERS = ("kafka", "postgresql", "valkey", "opensearch")


@dataclass(frozen=True, slots=True)
class Headline:
    """The status line."""

    text: str
    style: str = DIM
    hint: str = ""
    """`key what it does`, several parted by ` · `."""


def nothing_runs(frame: Frame) -> bool:
    """No server answers or starts, and no process runs."""
    return not any(frame.service(name).state in {UP, ASKING, DOWN} for name in SERVERS) and not any(
        row.state in {"running", "starting", "backoff", "failed"} for row in frame.processes
    )


def flow(frame: Frame) -> StateStyle:
    """Whether it flows and is healthy, for the first line."""
    moving = (frame.read_per_second or 0) > MOVING or (frame.produced_per_second or 0) > MOVING
    return next(_faults(frame), StateStyle("●", "flowing" if moving else "idle", OKAY))


def _faults(frame: Frame) -> Iterator[StateStyle]:
    """The gravest first."""
    states = {frame.service(name).state for name in SERVERS}
    if nothing_runs(frame):
        yield StateStyle("◌", "nothing runs", DIM)
    if DOWN in states or any(row.state == "failed" for row in frame.processes):
        yield StateStyle("✖", "trouble", FAILED)
    if any(row.state == STALLED for row in frame.partitions):
        yield StateStyle("✖", "stalled", FAILED)
    if any(row.state == "backoff" for row in frame.processes):
        yield StateStyle("▲", "restarting", BUSY)
    if ASKING in states:
        yield StateStyle("▲", "starting" if frame.supervisor else "asking", BUSY)
    if any(row.activity in {"waiting", "silent"} for row in frame.processes):
        yield StateStyle("▲", "waiting", BUSY)
    if any(row.state == LAGGING for row in frame.partitions):
        yield StateStyle("▲", "behind", BUSY)


def outcomes(frame: Frame) -> list[str]:
    """What becomes of the messages that are read; how many are read, where the consumers do not say more."""
    found = frame.outcomes
    if found is None:
        return [f"{rate(frame.read_per_second)} read"]
    rest = {"duplicates": found.duplicates, "rejected": found.rejected}
    flowing = [f"{rate(value)} {name}" for name, value in rest.items() if value > MOVING]
    return [f"{rate(found.stored)} stored", *flowing]


def headline(frame: Frame) -> Headline:
    """The gravest thing first; where nothing is wrong, what goes on, or what could be done next."""
    for look in (_settings, _services, _failed, _obstacles, _processes, _partitions, _work):
        for found in look(frame):
            return found
    return _idle(frame)


def _settings(frame: Frame) -> Iterator[Headline]:
    if frame.problem:
        yield Headline(f"settings: {frame.problem.splitlines()[0]}", FAILED, "7 settings")
    if nothing_runs(frame):
        yield Headline("Nothing runs.", DIM, "d demo · s start the stack · ? help")


def _services(frame: Frame) -> Iterator[Headline]:
    for name in SERVERS:
        row = frame.service(name)
        if row.state != DOWN:
            continue
        away = seconds(max(0.0, frame.at - row.since))
        if name == "valkey":
            rest = "all goes on; nothing is lost"
        elif name == "opensearch":
            rest = "indexers wait; all else goes on"
        elif frame.workers("consumer"):
            rest = "workers wait; nothing is lost"
        else:
            rest = row.error
        if row.silent:
            yield Headline(f"{TITLES[name]} does not answer since {away}; {rest}", FAILED, "6 logs")
        else:
            yield Headline(f"{TITLES[name]}: {row.error or 'failed'}, since {away}; {rest}", FAILED, "6 logs")
    asking = {name: service_style(frame.service(name)).word for name in SERVERS if frame.service(name).state == ASKING}
    for word in dict.fromkeys(asking.values()):
        names = ", ".join(TITLES[name] for name, one in asking.items() if one == word)
        yield Headline(f"{names}: {word}", BUSY)


def _failed(frame: Frame) -> Iterator[Headline]:
    for row in frame.processes:
        if row.state == "failed":
            yield Headline(f"{row.name} has failed: {row.exit_reason}", FAILED, "2 workers · 6 logs")


def _obstacles(frame: Frame) -> Iterator[Headline]:
    for one in frame.obstacles:
        yield Headline(one.brief, FAILED if one.kind == COMPACTION else BUSY, "3 partitions")


def _processes(frame: Frame) -> Iterator[Headline]:
    for row in frame.processes:
        if row.state == "backoff":
            yield Headline(f"{row.name} died ({row.exit_reason}) and will be started again", BUSY, "2 workers")
    for row in frame.processes:
        if row.activity in {"waiting", "silent"}:
            verb = "waits" if row.activity == "waiting" else "is silent"
            yield Headline(f"{row.name} {verb}: {row.detail}", BUSY, "2 workers · 6 logs")


def _partitions(frame: Frame) -> Iterator[Headline]:
    stalled = [str(row.partition) for row in frame.partitions if row.state == STALLED]
    if stalled:
        yield Headline(
            f"partition {', '.join(stalled)}: nothing is stored though messages wait", FAILED, "3 partitions"
        )
    stopped = [row.partition for row in frame.partitions if row.state == STOPPED]
    alive = [row for row in frame.workers("consumer") if row.state in {"running", "starting"}]
    if stopped and alive:
        yield Headline(f"messages wait in {named(stopped)}, which no consumer has", BUSY, "3 partitions")
    if frame.lag and not alive:
        yield Headline(f"{exact(frame.lag)} messages wait in Kafka and no consumer runs", BUSY, "s start consumers")


def _work(frame: Frame) -> Iterator[Headline]:
    read, lag = frame.read_per_second or 0.0, frame.lag or 0
    if read <= MOVING and (frame.produced_per_second or 0.0) <= MOVING:
        return
    drains = [row.seconds_to_drain for row in frame.partitions]
    behind = any(row.state == LAGGING for row in frame.partitions)
    words = f"{', '.join(outcomes(frame))}, {exact(lag)} behind"
    if behind and all(value is not None for value in drains):
        words += f", drained in {seconds(max(value for value in drains if value is not None))}"
    elif behind:
        words += " and growing"
    yield Headline(words, BUSY if behind else DIM, "3 partitions" if behind else "")


def _idle(frame: Frame) -> Headline:
    if not frame.workers("consumer"):
        return Headline("The servers run; nothing flows.", DIM, "d demo · s start")
    producer, stored = frame.producer, frame.counts is not None and frame.counts.value.events > 0  # no reset since
    if producer is not None and producer.state == "finished" and frame.lag == 0 and stored:
        return Headline(f"All is stored: {exact(producer.sent)} events sent, lag 0.", OKAY, "v verify · 4 funnel")
    return Headline("Consumers are idle: nothing comes in.", DIM, "s start the producer")
