"""The embedded servers as a whole: up, down, status, env, reset. Decides; the supervisor runs them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from clickstream.actions.control import Control, StoppedProcesses, ensure, running
from clickstream.actions.readiness import SERVES_WITHIN, await_service
from clickstream.config.files import locked
from clickstream.config.paths import Home, cache_folder
from clickstream.config.settings import KafkaSettings, PostgresSettings, load_settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ALIVE, ProcessSpec, ProcessState, Role, Snapshot
from clickstream.services.postgres import libpq
from clickstream.stack import wheels
from clickstream.stack.artifacts import Download, Progress, ensure_jars
from clickstream.stack.kafka import kafka_spec
from clickstream.stack.layout import (
    HOST,
    KAFKA,
    KAFKA_USER,
    OPENSEARCH,
    PORTS,
    POSTGRESQL,
    SERVERS,
    VALKEY,
    Layout,
    config_folder,
    layout_file,
    load_layout,
    save_layout,
)
from clickstream.stack.opensearch import opensearch_spec
from clickstream.stack.opensearch import relocated as relocated_search
from clickstream.stack.places import refuse_unusable
from clickstream.stack.postgres import postgresql_spec, relocated_data
from clickstream.stack.valkey import valkey_spec
from clickstream.supervision.private import make_private

__all__ = ["Download", "ServerStatus", "StackStatus", "down", "env", "reset", "status", "up"]

START_TIMEOUT = 360.0
"""Seconds for all servers together; each has a limit of its own, which comes first and says more."""

Jars = Mapping[str, Sequence[Path]]

_SWITCH = {"OPENSEARCH_ENABLED", "OPENSEARCH_HOST"}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One embedded server."""

    name: str
    state: ProcessState
    host: str
    port: int | None
    """None before the first start."""
    pid: int | None = None
    restarts: int = 0
    """Since it was started by command: lives that began by themselves, after a death."""
    exit_reason: str = ""
    """How the last life ended; empty if none ever did."""
    started_at: float | None = None
    """Unix seconds of the present, or last, life's start."""
    rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StackStatus:
    """All embedded servers."""

    servers: tuple[ServerStatus, ...]
    started: tuple[str, ...] = ()
    """What this call had to start; empty: all ran already."""
    stopped: tuple[str, ...] = ()
    """What this call stopped because it is not part of the stack any more."""
    warning: str = ""
    """Why workers will refuse the topic or the tables as they are."""

    @property
    def running(self) -> bool:
        return all(server.state is ProcessState.RUNNING for server in self.servers)

    def summary(self) -> str:
        """What `up` did."""
        stopped = f"stopped: {', '.join(self.stopped)}; " if self.stopped else ""
        return stopped + (f"started: {', '.join(self.started)}" if self.started else "all servers were running already")


@dataclass(frozen=True, slots=True)
class RemovedStack:
    """What a reset removed."""

    home: Path

    def summary(self) -> str:
        return f"removed the embedded servers' data in {self.home}"


def up(home: Home, *, opensearch: bool | None = None, progress: Progress | None = None) -> StackStatus:
    """Start the servers that do not run and wait until all of them serve. Downloads what is missing first.

    Args:
        home: whose servers.
        opensearch: whether OpenSearch is one of them; None: as OPENSEARCH_ENABLED says, and where that is not set, as
            it was the last time. Its data stays when it is not any more.
        progress: told how far a download is.

    Raises:
        UsageError: the settings contradict `opensearch`.
        ClickstreamError: the servers are not installed, a download failed or a server did not start; with the reason.
    """
    wheels.require()
    _refuse_foreign(home)
    wanted = _search_wanted(home, opensearch)
    refuse_unusable(home, opensearch=wanted)
    make_private(home)
    products = (KAFKA, OPENSEARCH) if wanted else (KAFKA,)
    try:
        config_folder(home).mkdir(mode=0o700, exist_ok=True)
        jars = {product: ensure_jars(product, progress=progress) for product in products}
        # Held until the servers listen: a port that was found free is taken only then.
        with locked(cache_folder() / "ports.lock"):
            found = _start(home, jars)
    except OSError as error:
        raise _cannot("set up", error) from error
    return replace(found, warning=await_service(home, env(home), opensearch=wanted))


def down(home: Home) -> StoppedProcesses:
    """Stop every process of this home, workers included, and the supervisor."""
    control = _control(home)
    if control is None:
        return StoppedProcesses()
    ran = tuple(process.name for process in control.snapshot().processes if process.state in ALIVE)
    control.shutdown()
    return StoppedProcesses(ran)


def status(home: Home) -> StackStatus:
    """How the servers stand; never starts anything."""
    control = running(home)
    return _status(load_layout(home), control.snapshot() if control else None)


def env(home: Home) -> dict[str, str]:
    """Variables with which other tools reach the servers, passwords included: ours, and those that psql reads.

    Raises:
        ClickstreamError: there is no embedded stack in this home yet.
    """
    layout = load_layout(home)
    if layout is None:
        raise ClickstreamError(f"there is no embedded stack in {home.root}", hint="`clickstream stack up` makes one")
    known = layout.environment()
    return known | libpq.login(PostgresSettings.model_validate(known))


def reset(home: Home) -> RemovedStack:
    """Remove the servers' data, ports and passwords. Downloads and logs stay.

    Raises:
        ClickstreamError: something of this home still runs.
    """
    _refuse_foreign(home)
    if _control(home) is not None:
        raise ClickstreamError("the embedded stack is running", hint="stop it first: `clickstream stack down`")
    folders = [home.data, config_folder(home)]
    # Damaged as it may be, or what its own error advises would fail the same way.
    with suppress(ClickstreamError):
        if (layout := load_layout(home)) is not None:
            folders += [relocated_data(layout), relocated_search(layout)]
    try:
        for folder in folders:
            if folder.exists():
                shutil.rmtree(folder)
        # Last: it names what lies outside of the home.
        for file in (home.stack_env, layout_file(home)):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("removed", error) from error
    return RemovedStack(home.root)


def _search_wanted(home: Home, asked: bool | None) -> bool:
    """Whether OpenSearch is to be one of the servers: by command, by setting, by memory."""
    settings = load_settings()
    ours = {name for name, origin in settings.sources.items() if origin == "embedded"}
    named = settings.sources.keys() - ours if settings.embedded else set()
    if asked and "OPENSEARCH_HOST" in named:
        raise UsageError(
            "OPENSEARCH_HOST names a server of your own, and workers would index there",
            hint="unset it to have the embedded OpenSearch",
        )
    # With an address of its own, the setting is about that server.
    said = settings.opensearch.enabled if named & _SWITCH == {"OPENSEARCH_ENABLED"} else None
    if asked is not None:
        if said not in {None, asked}:
            origin = settings.sources["OPENSEARCH_ENABLED"]
            raise UsageError(
                f"OPENSEARCH_ENABLED={str(said).lower()} ({origin}) says the opposite", hint="change or unset it"
            )
        return asked
    layout = load_layout(home)
    return said if said is not None else layout is not None and layout.opensearch


def _start(home: Home, jars: Jars) -> StackStatus:
    control = ensure(home)
    known = load_layout(home) or Layout.fresh()
    # Before the passwords are remembered: where this is cut, the next one sees a server that does not run.
    shut_out = () if known.kafka_password else _close_kafka(control)
    before = control.snapshot()
    layout = replace(known.with_passwords(), opensearch=OPENSEARCH in jars)
    absent = tuple(name for name in layout.servers if not _alive(before, name))
    if absent:
        layout = layout.with_free_ports(absent)
    if absent or layout != known:
        save_layout(home, layout)
    stopped = () if layout.opensearch else _stop_search(control, before)
    if absent:
        control.start(_specs(absent, home, layout, jars))
    after = control.wait(layout.servers, {ProcessState.RUNNING}, START_TIMEOUT)
    _admit_clients(layout)
    control.restart(shut_out)
    return replace(_status(layout, after), started=absent, stopped=stopped)


def _close_kafka(control: Control) -> tuple[str, ...]:
    """Stop a Kafka that an older clickstream started, open to all; the workers, which read its password as they start.

    They wait meanwhile, as in any outage.
    """
    snapshot = control.snapshot()
    control.stop([KAFKA])
    roles = (Role.CONSUMER, Role.INDEXER, Role.PRODUCER)
    return tuple(one.name for role in roles for one in snapshot.of(role) if one.state in ALIVE)


def _admit_clients(layout: Layout) -> None:
    """Tell Kafka its clients' password, whether it knows it or not: an earlier start may have been cut before this."""
    from clickstream.services.kafka.admin import set_password  # noqa: PLC0415 (drivers: only where servers start)

    node = KafkaSettings.model_validate(layout.kafka_node_login())
    set_password(node, KAFKA_USER, layout.kafka_password, timeout=SERVES_WITHIN)


def _stop_search(control: Control, snapshot: Snapshot) -> tuple[str, ...]:
    """Those that fill it first; they may be filling another one, where ours does not run."""
    if snapshot.get(OPENSEARCH) is None:
        return ()
    names = [*(process.name for process in snapshot.of(Role.INDEXER)), OPENSEARCH]
    control.stop(names)
    control.remove(names)
    return tuple(names)


def _specs(names: Sequence[str], home: Home, layout: Layout, jars: Jars) -> list[ProcessSpec]:
    makers: dict[str, Callable[[Home, Layout], ProcessSpec]] = {
        KAFKA: partial(kafka_spec, jars=jars[KAFKA]),
        POSTGRESQL: postgresql_spec,
        VALKEY: valkey_spec,
        OPENSEARCH: partial(opensearch_spec, jars=jars.get(OPENSEARCH, ())),
    }
    return [makers[name](home, layout) for name in names]


def _alive(snapshot: Snapshot, name: str) -> bool:
    process = snapshot.get(name)
    return process is not None and process.state in ALIVE


def _status(layout: Layout | None, snapshot: Snapshot | None) -> StackStatus:
    servers = []
    for name in layout.servers if layout else SERVERS:
        port = layout.ports.get(PORTS[name][0]) if layout else None
        process = snapshot.get(name) if snapshot else None
        if process is None:
            servers.append(ServerStatus(name, ProcessState.STOPPED, HOST, port))
            continue
        servers.append(
            ServerStatus(
                name,
                process.state,
                HOST,
                port,
                pid=process.pid,
                restarts=process.restarts,
                exit_reason=process.exit_reason,
                started_at=process.started_at,
                rss_bytes=process.rss_bytes,
            )
        )
    return StackStatus(tuple(servers))


def _control(home: Home) -> Control | None:
    """The supervisor, or where one was killed and left processes behind, a new one that has ended them."""
    control = running(home)
    if control is None and _has_leftovers(home):
        return ensure(home)
    return control


def _has_leftovers(home: Home) -> bool:
    try:
        return home.processes.read_bytes().strip() not in {b"", b"[]"}
    except FileNotFoundError:
        return False


def _refuse_foreign(home: Home) -> None:
    """Two users in one home would lock one another out of its files, and root would start a second, empty database."""
    file = layout_file(home)
    if file.exists() and file.stat().st_uid != os.geteuid():
        raise UsageError(
            f"the embedded stack in {home.root} belongs to another user",
            hint="run clickstream as that user, or set CLICKSTREAM_HOME to another folder",
        )


def _cannot(verb: str, error: OSError) -> ClickstreamError:
    where = f"{error.filename}: " if error.filename else ""
    return ClickstreamError(f"the embedded stack cannot be {verb}: {where}{error.strerror or error}")
