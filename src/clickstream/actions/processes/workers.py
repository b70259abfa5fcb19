"""This home's workers: their process specs, how they are started and found, and which are under way before a reset.

A spec carries the settings that the command line read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from clickstream.actions.config.show import values
from clickstream.actions.control import Control, running
from clickstream.actions.observe.processes import heartbeats_elsewhere, local_rows
from clickstream.config.settings import Settings, variables
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ALIVE, ProcessSpec, ProcessState, ProcessStatus, Role, Snapshot

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow
    from clickstream.services.valkey.heartbeats import Heartbeat

UNDER_WAY = ALIVE | {ProcessState.BACKOFF}
"""States of a process that works, or will soon again."""

READY_WITHIN = 60.0
"""Seconds that a worker may take to its first report."""

FORGOTTEN_WITHIN = 20.0
"""Seconds until the group has forgotten a consumer that was killed."""

PRODUCER = "producer"


def consumer_name(number: int) -> str:
    return f"consumer-{number}"


def consumer_spec(settings: Settings, name: str, *, accept_gap: bool = False) -> ProcessSpec:
    arguments = ["consumer", "--name", name, *(["--accept-gap"] if accept_gap else [])]
    return _spec(settings, name, Role.CONSUMER, arguments)


def indexer_name(number: int) -> str:
    return f"indexer-{number}"


def indexer_spec(settings: Settings, name: str, *, accept_gap: bool = False) -> ProcessSpec:
    arguments = ["indexer", "--name", name, *(["--accept-gap"] if accept_gap else [])]
    return _spec(settings, name, Role.INDEXER, arguments)


def producer_spec(settings: Settings, arguments: Sequence[str]) -> ProcessSpec:
    """`arguments`: those of `clickstream worker producer`."""
    return _spec(settings, PRODUCER, Role.PRODUCER, ["producer", *arguments])


def environment(settings: Settings) -> dict[str, str]:
    """Variables that make a worker see what this process saw, wherever its supervisor was started.

    What came from the embedded stack's own file is left to that file, which follows a change of ports; what was not set
    is handed over as empty, which is as good as unset, so that the supervisor's own environment does not count.
    """
    found = values(settings)
    handed = {name: origin for name, origin in settings.sources.items() if origin != "embedded"}
    passed = {name: found.get(name, "") if name in handed else "" for name in variables()}
    passed["PRODUCER_DATA_FILE"] = str(settings.pipeline.data_file.expanduser().absolute())
    passed["AIVEN_API_TOKEN"] = ""  # no worker asks Aiven anything
    passed["CLICKSTREAM_HOME"] = str(settings.home.root)
    return passed


def refuse_other_settings(settings: Settings, snapshot: Snapshot, names: Sequence[str]) -> None:
    """Raise ClickstreamError where one of these workers was started with other settings than those of now.

    What a worker works with is in its own environment. Where that cannot be read, nothing is said.
    """
    wanted = environment(settings)
    del wanted["PRODUCER_DATA_FILE"]  # of no consequence to a consumer
    for name in names:
        process = snapshot.get(name)
        found = (_environment_of(process.pid) if process and process.pid else None) or {}
        others = [variable for variable, value in wanted.items() if found.get(variable, value) != value]
        if others:
            raise ClickstreamError(
                f"{name} is running with other settings than those of now: {', '.join(others)}",
                hint="`clickstream consumer restart` has the workers take those of now",
            )


def _environment_of(pid: int) -> dict[str, str] | None:
    import psutil  # noqa: PLC0415 (slow to load, and only needed where a worker is kept)

    try:
        return psutil.Process(pid).environ()
    except psutil.Error:
        return None


def control_of(settings: Settings) -> Control:
    """The supervisor of this home. Raises ClickstreamError where none runs."""
    control = running(settings.home)
    if control is None:
        raise ClickstreamError(
            f"nothing runs here: the supervisor of {settings.home.root} is not running",
            hint="`clickstream consumer start` or `clickstream demo` starts one",
        )
    return control


def find(settings: Settings, role: Role) -> tuple[ProcessStatus, ...]:
    """This home's workers of a role; none where no supervisor runs."""
    control = running(settings.home)
    return control.snapshot().of(role) if control else ()


def snapshot_of(settings: Settings) -> Snapshot | None:
    """What this home's supervisor knows; None where none runs (or it went away while it was asked)."""
    try:
        control = running(settings.home)
        return control.snapshot() if control else None
    except ClickstreamError:
        return None


def local_workers(settings: Settings) -> tuple[ProcessRow, ...]:
    """The supervisor's workers; servers and faults are none."""
    return tuple(row for row in local_rows(snapshot_of(settings)) if row.role not in {Role.SERVER, Role.FAULT})


def refuse_while_working(settings: Settings) -> None:
    """Raise ClickstreamError when workers are under way that would fill again what is about to be emptied.

    Those of this home, those whose heartbeats are in Valkey, and every member of the consumers' group (where OpenSearch
    is enabled, of the indexers' too). A consumer that was killed stays a member for some seconds, and is waited for.
    """
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415

    local = local_workers(settings)
    busy = [row.name for row in local if row.under_way]
    with suppress(ClickstreamError):  # without Valkey nothing is known of other hosts, and the reset itself says so
        elsewhere = heartbeats_elsewhere(_heartbeats(settings), {row.pid for row in local})
        busy += [f"{heartbeat.name} on {heartbeat.host}" for heartbeat in elsewhere]
    deadline = time.monotonic() + FORGOTTEN_WITHIN
    indexers = [settings.opensearch.consumer_group_id] if settings.opensearch.enabled else []
    for group in (settings.pipeline.consumer_group_id, *indexers):
        while not busy and settings.kafka and (members := group_members(settings.kafka, group)):
            if time.monotonic() > deadline:
                busy = [f"{member} (in group {group})" for member in members]
            time.sleep(0.2)
    if busy:
        raise ClickstreamError(
            f"workers are running: {', '.join(busy)}",
            hint="stop them first, where they run: `clickstream producer stop`, `clickstream consumer stop`",
        )


def start_and_wait(control: Control, specs: Sequence[ProcessSpec]) -> Snapshot:
    """Start them and return when each has reported or has finished its work.

    Raises:
        ClickstreamError: one failed, with its exit reason.
    """
    control.start(specs)
    names = [spec.name for spec in specs]
    return control.wait(names, {ProcessState.RUNNING, ProcessState.FINISHED}, READY_WITHIN)


def _spec(settings: Settings, name: str, role: Role, arguments: Sequence[str]) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        role=role,
        # -P: no module is taken from the working folder
        argv=(sys.executable, "-P", "-m", "clickstream", "worker", *arguments, "--report"),
        env=environment(settings),
        cwd=str(Path.cwd()),
        reports=True,
        stop_timeout=20.0,
    )


def _heartbeats(settings: Settings) -> tuple[Heartbeat, ...]:
    from clickstream.services.valkey.connection import connect  # noqa: PLC0415
    from clickstream.services.valkey.heartbeats import HeartbeatRegistry  # noqa: PLC0415

    if settings.valkey is None or settings.kafka is None:
        return ()
    with connect(settings.valkey) as client:
        return tuple(HeartbeatRegistry(client, topic=settings.kafka.events_topic).read())
