"""Cuts the network between workers and a server: they connect through a relay on loopback, which is killed.

The workers are indexers for OpenSearch, else consumers. They are restarted to connect through the relay, and restarted
again afterwards to connect directly.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from dataclasses import replace

from clickstream.actions.control import Control
from clickstream.actions.faults.context import Context
from clickstream.actions.faults.holders import await_back, await_end, fault_process, hold
from clickstream.actions.observe.model import BAD, GOOD
from clickstream.actions.processes.workers import UNDER_WAY, consumer_spec, indexer_spec, start_and_wait
from clickstream.config.files import locked
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import FINAL_STATES, ProcessSpec, ProcessState, RestartPolicy, Role
from clickstream.stack.layout import (
    HOST,
    KAFKA,
    KAFKA_BEHIND_RELAY,
    OPENSEARCH,
    POSTGRESQL,
    RELAYS,
    VALKEY,
    Layout,
    load_layout,
)

MODULE = "clickstream.supervision.relay"

_PORT_VARIABLES = {POSTGRESQL: "PG_PORT", VALKEY: "VALKEY_PORT", OPENSEARCH: "OPENSEARCH_PORT"}


def cut(context: Context) -> None:
    """Every connection through the relay ends with what was on its way, and none is accepted for a while."""
    server, control = context.fault.target, context.control
    layout = _layout(context.settings)
    relay = _relay_spec(server, layout)
    role, words = (Role.INDEXER, "indexers") if server == OPENSEARCH else (Role.CONSUMER, "consumers")
    try:
        control.start([relay])
        control.wait([relay.name], {ProcessState.RUNNING}, 30)
        with _one_at_a_time(context):
            _restart(context, control, role)
        context.add_note("through a relay", f"the {words} reach {server} that way now")
        with hold(context, "stop", relay.name, "--kill") as injected:
            context.add_step("cut", f"between the {words} and {server}", level=BAD, at=injected.at)
            await_end(control, context, "stop", relay.name)
        snapshot = await_back(context, control, relay.name)
        context.add_step("through again", server, level=GOOD, at=snapshot.at)
    finally:
        # The supervisor may have gone, and with it whatever went through the relay.
        with suppress(ClickstreamError), _one_at_a_time(context):
            _restart(context, control, role, without=relay.name)
            control.stop([relay.name])
            control.remove([relay.name])


def _relay_spec(server: str, layout: Layout) -> ProcessSpec:
    to = layout.ports[KAFKA_BEHIND_RELAY if server == KAFKA else server]
    arguments = ("--listen", str(layout.ports[RELAYS[server]]), "--to", str(to))
    spec = fault_process(RELAYS[server], MODULE, arguments, "forwarding")
    return replace(spec, stop_timeout=5.0, restart=RestartPolicy(first_delay=0.1, max_delay=1.0))


def _restart(context: Context, control: Control, role: Role, *, without: str = "") -> None:
    """Have the workers go through every relay that is for them, but this one."""
    spec_of = indexer_spec if role is Role.INDEXER else consumer_spec
    snapshot = control.snapshot()
    names = [process.name for process in snapshot.of(role) if process.state in UNDER_WAY]
    there = {process.name for process in snapshot.processes if process.state not in FINAL_STATES} - {without}
    theirs = {OPENSEARCH} if role is Role.INDEXER else RELAYS.keys() - {OPENSEARCH}
    ways = [server for server, relay in RELAYS.items() if relay in there and server in theirs]
    environment = _through(ways, context.settings)
    specs = [spec_of(context.settings, name) for name in names]
    control.stop(names)
    start_and_wait(control, [replace(spec, env=spec.env | environment) for spec in specs])


def _one_at_a_time(context: Context) -> AbstractContextManager[None]:
    """For choosing the workers' way: another fault would lead them through a relay that is about to be removed."""
    return locked(context.settings.home.run / "relays.lock")


def _through(servers: list[str], settings: Settings) -> dict[str, str]:
    """Variables that lead to the stack through relays. All servers are named, for half a stack is refused.

    The user's other variables, such as another role, stay in effect.
    """
    if not servers:
        return {}
    layout = _layout(settings)
    environment = {
        name: value
        for name, value in layout.environment().items()
        if settings.sources.get(name, "embedded") == "embedded"
    }
    for server in servers:
        port = str(layout.ports[RELAYS[server]])
        environment |= (
            {"KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{port}"} if server == KAFKA else {_PORT_VARIABLES[server]: port}
        )
    return environment


def _layout(settings: Settings) -> Layout:
    layout = load_layout(settings.home)
    if layout is None or not {KAFKA_BEHIND_RELAY, *(RELAYS[name] for name in layout.servers)} <= set(layout.ports):
        raise ClickstreamError(
            "this stack was started by an older clickstream that knew of no relays",
            hint="`clickstream stack down`, `clickstream stack up`",
        )
    return layout
