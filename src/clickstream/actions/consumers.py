"""Starting, stopping, restarting and listing this home's consumers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from clickstream.actions.control import ensure
from clickstream.actions.group import UNDER_WAY, Worker, local_workers, snapshot_of
from clickstream.actions.servers import kafka_of, postgres_of, valkey_of
from clickstream.actions.workers import consumer_name, consumer_spec, control_of, find, start_and_wait
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import Role
from clickstream.services.kafka.admin import TopicInfo, create_topic
from clickstream.services.postgres.migrate import migrate


@dataclass(frozen=True, slots=True)
class Started:
    """What a start did."""

    topic: str
    partitions: int
    started: tuple[str, ...]
    kept: tuple[str, ...]
    """These were running already."""


def prepare(settings: Settings) -> TopicInfo:
    """Make the schema and the topic, where they are missing.

    Raises:
        ClickstreamError: a server does not answer or refuses.
    """
    kafka, postgres = kafka_of(settings), postgres_of(settings)
    valkey_of(settings)
    migrate(postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)
    return create_topic(kafka)


def start(settings: Settings, *, count: int | None = None, accept_gap: bool = False) -> Started:
    """Have `count` consumers run (None: one a partition); those that run already are kept.

    Raises:
        UsageError: more consumers than partitions.
        ClickstreamError: a server does not answer or refuses; a consumer did not start.
    """
    topic = prepare(settings)
    count = topic.partitions if count is None else count
    if count > topic.partitions:
        raise UsageError(
            f"{count} consumers for {topic.partitions} partitions: topic {topic.name} gives each partition to one",
            hint=f"use --count {topic.partitions} or fewer",
        )
    control = ensure(settings.home)
    alive = {process.name for process in control.snapshot().of(Role.CONSUMER) if process.state in UNDER_WAY}
    if len(alive) > count:
        raise UsageError(
            f"{len(alive)} consumers are running, which is more than {count}",
            hint="stop the others by name: `clickstream consumer stop NAME`",
        )
    free = (name for number in range(topic.partitions) if (name := consumer_name(number)) not in alive)
    wanted = islice(free, count - len(alive))
    specs = [consumer_spec(settings, name, accept_gap=accept_gap) for name in wanted]
    if specs:
        start_and_wait(control, specs)
    return Started(topic.name, topic.partitions, tuple(spec.name for spec in specs), tuple(sorted(alive)))


def stop(settings: Settings, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Stop these consumers (none named: all); the names of those that ran.

    Raises:
        UsageError: there is no consumer of that name.
    """
    known = {process.name: process for process in find(settings, Role.CONSUMER)}
    _refuse_unknown(names, set(known))
    chosen = tuple(name for name in names or known if known[name].state in UNDER_WAY)
    if chosen:
        control_of(settings).stop(chosen)
    return chosen


def restart(settings: Settings, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Stop these consumers (none named: all that run) and start them again with the settings of now; their names.

    Raises:
        UsageError: there is no consumer of that name.
        ClickstreamError: none is running; one did not start again.
    """
    known = {process.name: process for process in find(settings, Role.CONSUMER)}
    _refuse_unknown(names, set(known))
    chosen = names or tuple(name for name, process in known.items() if process.state in UNDER_WAY)
    if not chosen:
        raise ClickstreamError("no consumer is running", hint="`clickstream consumer start` starts them")
    prepare(settings)
    control = control_of(settings)
    control.stop(chosen)
    start_and_wait(control, [consumer_spec(settings, name) for name in chosen])
    return chosen


def listed(settings: Settings) -> tuple[Worker, ...]:
    """This home's consumers."""
    return tuple(worker for worker in local_workers(snapshot_of(settings)) if worker.role == Role.CONSUMER)


def _refuse_unknown(names: tuple[str, ...], known: set[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(f"no consumer is called {', '.join(unknown)}", hint=f"there is: {there}")
