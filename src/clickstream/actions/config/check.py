"""The doctor: tries everything the pipeline needs, says what is wrong and how to fix it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from clickstream.actions.control import running
from clickstream.actions.observe.surroundings import obstacles_now, read_surroundings
from clickstream.actions.servers import (
    STACK_UP,
    Questions,
    in_the_stack,
    kafka_of,
    opensearch_of,
    postgres_of,
    stack_is_down,
    valkey_of,
)
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, FileFault, ServiceRefused
from clickstream.domain.obstacles import CLEANUP_POLICY, COMPACTION, FOREIGN_MEMBER, OPEN_TRANSACTION
from clickstream.services.kafka import admin
from clickstream.services.postgres.inspect import ping
from clickstream.services.postgres.state import SchemaState, schema_state
from clickstream.services.valkey.server import server_info, try_commands
from clickstream.stack.wheels import missing


class CheckState(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARN = "warn"
    """It works, but look at it."""
    FAILED = "failed"


OK, WARN, FAILED = CheckState

SERVERS = ("kafka", "postgresql", "valkey")

WITHIN = 45.0
"""Seconds for all checks together; those of a silent server give up before."""

OLDEST_POSTGRESQL = 14

NEARLY_FULL = 0.8
"""Share of Valkey's memory."""

DISK_NEEDED = 500 * 2**20
"""Bytes below which nothing should be started."""

DISK_WANTED = 4 * 2**30
"""Bytes that a run of the whole file takes, with room."""

_OBSTACLES = {
    COMPACTION: ("cleanup", FAILED),
    FOREIGN_MEMBER: ("group", WARN),
    OPEN_TRANSACTION: ("transaction", WARN),
}
"""What each is called here, and how grave it is."""

_ANOTHER_FILE = "set PRODUCER_DATA_FILE to a file that can be read"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    name: str
    state: CheckState
    message: str
    hint: str = ""
    """How to fix it."""


def check(settings: Settings) -> list[Check]:
    """Try everything, at once; never raises for what is wrong."""
    questions: dict[str, Callable[[], list[Check]]] = {
        "kafka": lambda: list(_kafka(settings)),
        "postgresql": lambda: list(_postgresql(settings)),
        "valkey": lambda: list(_valkey(settings)),
        "data file": lambda: [_data_file(settings.pipeline.data_file)],
        "disk": lambda: [_disk(settings)],
        "supervisor": lambda: [_supervisor(settings)],
    }
    if settings.opensearch.enabled:
        questions["opensearch"] = lambda: list(_opensearch(settings))
    asked = Questions(questions.items())
    found: list[Check] = []
    for name in questions:
        try:
            found += asked.answer(name, WITHIN)
        except ClickstreamError as error:
            found.append(_failed(name, error))
    if stack_is_down(settings):
        cure = f"the embedded stack is not running; {STACK_UP}"
        ours = {*SERVERS, "opensearch"} if in_the_stack(settings) else set(SERVERS)
        found = [replace(one, hint=cure) if one.state == FAILED and one.name in ours else one for one in found]
    return found


def _failed(name: str, error: ClickstreamError) -> Check:
    return Check(name, FAILED, str(error.args[0]), error.hint)


def _kafka(settings: Settings) -> Iterator[Check]:
    kafka = kafka_of(settings)
    cluster = admin.cluster(kafka)
    brokers = f"{cluster.brokers} broker{'s' if cluster.brokers != 1 else ''}"
    yield Check("kafka", OK, f"{kafka.bootstrap_servers}: {brokers}, {cluster.latency_ms:g} ms")
    try:
        yield _topic(settings)
        yield from _around_topic(settings)
    except ClickstreamError as error:
        yield _failed("topic", error)


def _topic(settings: Settings) -> Check:
    kafka = kafka_of(settings)
    name = kafka.events_topic
    topic = admin.describe_topic(kafka, name)
    if topic is None:
        return Check("topic", OK, f"{name} does not exist yet; `clickstream consumer start` makes it")
    if fault := _rights_on_topic(settings, name):
        return fault
    if topic.partitions != kafka.partitions:
        return Check(
            "topic",
            WARN,
            f"{name} has {topic.partitions} partitions, KAFKA_EVENTS_TOPIC_PARTITIONS is {kafka.partitions}",
            "the setting counts only when the topic is created; `clickstream data reset` recreates it, empty",
        )
    return Check("topic", OK, f"{name}: {topic.partitions} partitions")


def _around_topic(settings: Settings) -> Iterator[Check]:
    """What in Kafka keeps messages from being stored; the topic's settings, where they may be read."""
    try:
        around = read_surroundings(settings)
    except ClickstreamError:
        around = None  # the topic's own check says why
    if around is None:
        return
    if around.configs is None:
        message = f"{CLEANUP_POLICY} of {around.topic} is not readable with this user; it must not be compact"
        yield Check("cleanup", OK, message)
    for found in obstacles_now(settings, around):
        name, state = _OBSTACLES[found.kind]
        yield Check(name, state, found.message, found.hint)


def _rights_on_topic(settings: Settings, name: str) -> Check | None:
    """What consumers and producer each lack; a cluster without authorization tells no rights of groups."""
    kafka, group = kafka_of(settings), settings.pipeline.consumer_group_id
    granted = admin.permissions(kafka, name)
    try:
        of_group = admin.group_permissions(kafka, group)
        may_join = not of_group or "READ" in of_group
    except ServiceRefused:
        may_join = False
    consumers = [f"{right} on topic {name}" for right in ("READ", "DESCRIBE") if right not in granted]
    consumers += [] if may_join else [f"READ on group {group}"]
    producer = [f"{right} on topic {name}" for right in ("WRITE", "DESCRIBE") if right not in granted]
    if not consumers and not producer:
        return None
    roles = {"consumers": consumers, "a producer": producer}
    words = [f"{role} cannot work: no {', '.join(lacking)}" for role, lacking in roles.items() if lacking]
    state = FAILED if consumers and producer else WARN
    return Check("topic", state, f"with this user {'; '.join(words)}", "grant it, or use another user for that role")


def _postgresql(settings: Settings) -> Iterator[Check]:
    postgres = postgres_of(settings)
    answer = ping(postgres)
    where = f"{postgres.host}:{postgres.port}/{postgres.database}"
    if int(answer.version.split(".")[0]) < OLDEST_POSTGRESQL:
        yield Check(
            "postgresql", FAILED, f"{where}: version {answer.version}", f"use version {OLDEST_POSTGRESQL} or later"
        )
    else:
        yield Check("postgresql", OK, f"{where}: version {answer.version}, {answer.latency_ms:g} ms")
    try:
        yield _schema(settings)
    except ClickstreamError as error:
        yield _failed("schema", error)


def _schema(settings: Settings) -> Check:
    name, state = postgres_of(settings).schema_name, schema_state(postgres_of(settings))
    if fault := _schema_fault(settings, state):
        return Check("schema", FAILED, *fault)
    if state.version is None:
        return Check("schema", OK, f"{name} has no tables yet; `clickstream consumer start` makes them")
    if state.unwritable or state.writes_refused:
        why = state.writes_refused or f"{postgres_of(settings).user} may not {', '.join(state.unwritable)}"
        cure = "set PG_HOST to the primary" if state.writes_refused else "grant it, or use another user for consumers"
        return Check("schema", WARN, f"{name} can be read, and consumers cannot work: {why}", cure)
    if state.version < state.newest:
        return Check("schema", OK, f"{name} is at migration {state.version} of {state.newest}; a consumer brings it up")
    return Check("schema", OK, f"{name} is up to date (migration {state.version})")


def _schema_fault(settings: Settings, state: SchemaState) -> tuple[str, str] | None:
    """What is wrong with it, and the cure."""
    postgres, wanted = postgres_of(settings), settings.pipeline.session_timeout_ms
    name, stored = postgres.schema_name, state.session_timeout_ms
    if not state.may_create and state.version != state.newest:
        return f"{postgres.user} may not create tables in schema {name}", "grant CREATE to it"
    if state.unreadable:
        return f"{postgres.user} may not read {', '.join(state.unreadable)} in {name}", "grant SELECT to it"
    if state.half_reset:
        return f"a data reset of {name} was cut short", "`clickstream data reset` again completes it"
    if state.version is not None and state.version > state.newest:
        return (
            f"{name} was made by a newer clickstream (migration {state.version})",
            "use that one, or another PG_SCHEMA_NAME",
        )
    if stored not in {None, wanted}:
        return (
            f"the sessions in {name} were made with a timeout of {(stored or 0) / 60_000:g} minutes",
            "set CONSUMER_SESSION_TIMEOUT_MINUTES to that, or use another PG_SCHEMA_NAME",
        )
    return None


def _valkey(settings: Settings) -> Iterator[Check]:
    valkey = valkey_of(settings)
    info = server_info(valkey)
    yield Check("valkey", OK, f"{valkey.host}:{valkey.port}: version {info.version}, {info.latency_ms:g} ms")
    try:
        try_commands(valkey)
    except ServiceRefused as error:
        cure = "nothing is lost without a cache, but restarts take longer: grant it, or name a primary in VALKEY_HOST"
        yield Check("valkey rights", WARN, str(error.args[0]), cure)
    if info.used_memory > NEARLY_FULL * info.maxmemory > 0:
        yield Check(
            "valkey memory",
            WARN,
            f"{info.used_memory / 2**20:,.0f} of {info.maxmemory / 2**20:,.0f} MiB are used; when it is full,"
            f" {'it takes nothing' if info.maxmemory_policy == 'noeviction' else 'keys are evicted'}",
            "nothing is lost, but restarts take longer: use a larger one, or lower VALKEY_SESSION_TTL_HOURS",
        )


def _opensearch(settings: Settings) -> Iterator[Check]:
    from clickstream.services.opensearch.index import EventsIndex  # noqa: PLC0415 (it loads a driver)
    from clickstream.services.opensearch.server import server_info as search_info  # noqa: PLC0415

    search = opensearch_of(settings)
    info = search_info(search)
    yield Check("opensearch", OK, f"{search.host}:{search.port}: version {info.version}, {info.latency_ms:g} ms")
    index = EventsIndex(search)
    try:
        made, hindrance = index.identity() is not None, index.hindrance()
    except ClickstreamError as error:
        yield _failed("index", error)
    else:
        words = "is there" if made else "does not exist yet; `clickstream consumer start` makes it"
        if hindrance:
            yield Check("index", WARN, f"{search.events_index} {hindrance.what}", f"{hindrance.cure}; indexers wait")
        else:
            yield Check("index", OK, f"{search.events_index} {words}")
    finally:
        index.close()


def _data_file(path: Path) -> Check:
    from clickstream.pipeline.events.csvfile.reader import refuse_unreadable  # noqa: PLC0415 (it loads numpy)

    try:
        size = path.stat().st_size
        refuse_unreadable(path)
    except FileNotFoundError:
        cure = "`clickstream data generate` makes it, and so does a demo"
        return Check("data file", WARN, f"{path} does not exist", cure)
    except OSError as error:
        return Check("data file", FAILED, f"{path} cannot be read: {error.strerror}", _ANOTHER_FILE)
    except FileFault as fault:
        return Check("data file", FAILED, str(fault.args[0]), fault.hint or _ANOTHER_FILE)
    return Check("data file", OK, f"{path}: {size / 1e6:,.1f} MB")


def _disk(settings: Settings) -> Check:
    root = settings.home.root
    folder = next(one for one in (root, *root.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    message = f"{free / 2**30:,.1f} GiB free under {root}"
    # With servers elsewhere only background processes need it, for logs and the like. A container has none.
    failed = FAILED if settings.embedded and not missing() else WARN
    if not os.access(folder, os.W_OK):
        hint = "set CLICKSTREAM_HOME to a folder that can"
        if failed == WARN:
            hint = f"workers in the foreground (`clickstream worker`) do without; for others {hint}"
        return Check("disk", failed, f"{folder} cannot be written", hint)
    if free < DISK_NEEDED:
        return Check("disk", failed, message, "free some space, or set CLICKSTREAM_HOME to a larger disk")
    if free < DISK_WANTED:
        return Check("disk", WARN, message, f"the whole file needs up to {DISK_WANTED / 2**30:.0f} GiB")
    return Check("disk", OK, message)


def _supervisor(settings: Settings) -> Check:
    control = running(settings.home)
    if control is None:
        return Check("supervisor", OK, "not running; it starts with the first server or worker")
    snapshot = control.snapshot()
    failed = [process for process in snapshot.processes if process.state.value == "failed"]
    if failed:
        reasons = "; ".join(f"{process.name}: {process.exit_reason}" for process in failed)
        return Check("supervisor", WARN, f"given up: {reasons}", "see the logs, fix the cause and start them again")
    return Check("supervisor", OK, f"running, {len(snapshot.processes)} processes")
