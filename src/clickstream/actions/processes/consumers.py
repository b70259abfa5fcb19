"""Starting, stopping, restarting, scaling and listing this home's consumers, indexers included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from clickstream.actions.control import Control, StoppedProcesses, ensure
from clickstream.actions.observe.model import ProcessRow
from clickstream.actions.prepare import prepare
from clickstream.actions.processes.rolling import RestartedWorker, restart_together, roll
from clickstream.actions.processes.workers import (
    UNDER_WAY,
    consumer_name,
    consumer_spec,
    control_of,
    find,
    indexer_name,
    indexer_spec,
    local_workers,
    refuse_other_settings,
    start_and_wait,
)
from clickstream.actions.servers import valkey_of
from clickstream.config.settings import Settings
from clickstream.domain import spelling
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessSpec, ProcessStatus, Role
from clickstream.services.kafka.admin import TopicInfo


class ConsumerKind(StrEnum):
    """Which store a consumer fills."""

    POSTGRESQL = "postgresql"
    OPENSEARCH = "opensearch"


ROLES = {ConsumerKind.POSTGRESQL: Role.CONSUMER, ConsumerKind.OPENSEARCH: Role.INDEXER}

INDEXERS = 1
"""How many index, unless on_restart otherwise: one writes documents several times as fast as a server of the same cores
takes them."""


@dataclass(frozen=True, slots=True)
class StartedConsumers:
    """What a start did."""

    topic: str
    partitions: int
    started: tuple[str, ...]
    kept: tuple[str, ...]
    """These were running already."""

    def summary(self) -> str:
        kept = f"running already: {', '.join(self.kept)}" if self.kept else ""
        started = f"started: {', '.join(self.started)} for {self.partitions} partitions of {self.topic}"
        return "; ".join(words for words in (kept, started if self.started else "") if words)


@dataclass(frozen=True, slots=True)
class ScaledConsumers:
    """What a scaling did."""

    before: int
    now: int
    started: tuple[str, ...]
    stopped: tuple[str, ...]

    def summary(self) -> str:
        return f"consumers: {self.before} → {self.now}"


def start(
    settings: Settings, *, count: int | None = None, accept_gap: bool = False, kind: ConsumerKind | None = None
) -> StartedConsumers:
    """Have `count` consumers run (None: one a partition); those that run already are kept.

    With them, where OpenSearch is enabled, one indexer. `kind`: `count` of these, and no others.

    Raises:
        UsageError: more consumers than partitions; indexers, and OpenSearch is not enabled.
        ClickstreamError: a server does not answer or refuses; a consumer did not start.
    """
    wanted = _kinds(settings, kind)
    valkey_of(settings)
    topic = prepare(settings)
    control = ensure(settings.home)
    specs: list[ProcessSpec] = []
    kept: list[str] = []
    for one in wanted:
        default = topic.partitions if one is ConsumerKind.POSTGRESQL else min(INDEXERS, topic.partitions)
        asked = count if one is ConsumerKind.POSTGRESQL or kind else None
        alive = _alive(control, one)
        number = _checked(asked, topic, one, alive) if asked is not None else max(default, len(alive))
        specs += _missing(settings, one, alive, number, accept_gap=accept_gap)
        kept += sorted(alive)
    refuse_other_settings(settings, control.snapshot(), kept)
    if specs:
        start_and_wait(control, specs)
    return StartedConsumers(topic.name, topic.partitions, tuple(spec.name for spec in specs), tuple(kept))


def stop(settings: Settings, names: tuple[str, ...] = (), *, kind: ConsumerKind | None = None) -> StoppedProcesses:
    """Stop these consumers (none named: all, or all of the kind).

    Raises:
        UsageError: there is no consumer of that name.
    """
    known = _known(settings, kind)
    _refuse_unknown(names, set(known))
    chosen = tuple(name for name in names or known if known[name].state in UNDER_WAY)
    if chosen:
        control_of(settings).stop(chosen)
    return StoppedProcesses(chosen)


def restart(
    settings: Settings,
    names: tuple[str, ...] = (),
    *,
    kind: ConsumerKind | None = None,
    all_at_once: bool = False,
    on_restart: Callable[[RestartedWorker], None] = lambda one: None,
) -> tuple[RestartedWorker, ...]:
    """Stop these consumers (none named: all that run) and start them again with the settings of now.

    One after the other, the next one when the one before has caught up; `all_at_once` waits for none. Without names,
    indexers come or go as OPENSEARCH_ENABLED says now. `on_restart`: called after each.

    Raises:
        UsageError: there is no consumer of that name; an indexer is named, and OpenSearch is not enabled.
        ClickstreamError: none is running; one did not start again, or did not catch up: those after it are left alone.
    """
    known = _known(settings, kind)
    _refuse_unknown(names, set(known))
    chosen = names or tuple(name for name, process in known.items() if process.state in UNDER_WAY)
    if not chosen:
        raise ClickstreamError("no consumer is running", hint="`clickstream consumer start` starts them")
    indexers = [name for name in chosen if known[name].role is Role.INDEXER]
    if not settings.opensearch.enabled and indexers and (names or kind):
        raise _not_enabled()
    topic = prepare(settings)
    control = control_of(settings)
    specs = [consumer_spec(settings, name) for name in chosen if name not in indexers]
    if settings.opensearch.enabled:
        if not names and kind is None and not indexers:
            indexers = [indexer_name(number) for number in range(min(INDEXERS, topic.partitions))]
        specs += [indexer_spec(settings, name) for name in indexers]
    control.stop([name for name in chosen if name not in {spec.name for spec in specs}])
    return (restart_together if all_at_once else roll)(control, specs, on_restart)


def scale(settings: Settings, count: int) -> ScaledConsumers:
    """Have `count` consumers run: start more, or stop those with the highest numbers.

    Raises:
        UsageError: fewer than none, or more than partitions.
        ClickstreamError: a server does not answer or refuses; a consumer did not start.
    """
    if count < 0:
        raise UsageError(f"{count} is not a number of consumers", hint="give a whole number from 0 upwards")
    running = [process.name for process in find(settings, Role.CONSUMER) if process.state in UNDER_WAY]
    running.sort(key=lambda name: (len(name), name))
    if count < len(running):
        stopped = stop(settings, tuple(running[count:]))
        return ScaledConsumers(len(running), count, (), stopped.stopped)
    started = start(settings, count=count, kind=ConsumerKind.POSTGRESQL).started if count > len(running) else ()
    return ScaledConsumers(len(running), len(running) + len(started), started, ())


def list_workers(settings: Settings, *, kind: ConsumerKind | None = None) -> tuple[ProcessRow, ...]:
    """This home's consumers, indexers included, or those of the kind."""
    roles = {ROLES[kind]} if kind else set(ROLES.values())
    return tuple(worker for worker in local_workers(settings) if worker.role in roles)


def _kinds(settings: Settings, kind: ConsumerKind | None) -> tuple[ConsumerKind, ...]:
    if kind is None:
        return tuple(ConsumerKind) if settings.opensearch.enabled else (ConsumerKind.POSTGRESQL,)
    if kind is ConsumerKind.OPENSEARCH and not settings.opensearch.enabled:
        raise _not_enabled()
    return (kind,)


def _not_enabled() -> UsageError:
    return UsageError(
        "OPENSEARCH_ENABLED is false: nothing is indexed",
        hint="set it to true, and `clickstream stack up --opensearch` starts a node; then start again",
    )


def _alive(control: Control, kind: ConsumerKind) -> set[str]:
    return {process.name for process in control.snapshot().of(ROLES[kind]) if process.state in UNDER_WAY}


def _checked(count: int, topic: TopicInfo, kind: ConsumerKind, alive: set[str]) -> int:
    what = "consumers" if kind is ConsumerKind.POSTGRESQL else "indexers"
    if count > topic.partitions:
        raise UsageError(
            f"{count} {what} for {topic.partitions} partitions: topic {topic.name} gives each partition to one",
            hint=f"{topic.partitions} at most; `clickstream topic resize {count}` makes room for more",
        )
    if len(alive) > count:
        raise UsageError(
            f"{len(alive)} {what} are running, which is more than {count}",
            hint="stop the others by name: `clickstream consumer stop NAME`",
        )
    return count


def _missing(
    settings: Settings, kind: ConsumerKind, alive: set[str], count: int, *, accept_gap: bool
) -> Iterable[ProcessSpec]:
    name_of, spec_of = (
        (consumer_name, consumer_spec) if kind is ConsumerKind.POSTGRESQL else (indexer_name, indexer_spec)
    )
    free = (name for number in range(count + len(alive)) if (name := name_of(number)) not in alive)
    for name in islice(free, count - len(alive)):
        yield spec_of(settings, name, accept_gap=accept_gap)


def _known(settings: Settings, kind: ConsumerKind | None) -> dict[str, ProcessStatus]:
    roles = [ROLES[kind]] if kind else list(ROLES.values())
    return {process.name: process for role in roles for process in find(settings, role)}


def _refuse_unknown(names: tuple[str, ...], known: set[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        there = f"there is: {', '.join(sorted(known)) or 'none'}"
        raise UsageError(f"no consumer is called {', '.join(unknown)}", hint=spelling.hint(unknown[0], known, there))
