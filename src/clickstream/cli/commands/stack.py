"""`stack`: the embedded servers."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import click

from clickstream.cli import activity, output
from clickstream.cli.ask import YES, confirmed
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.domain.processes import ProcessState

if TYPE_CHECKING:
    from clickstream.actions.stack import Download, ServerStatus, StackStatus


@command("stack up")
@click.option(
    "--opensearch/--no-opensearch",
    default=None,
    help="With OpenSearch, or without it (its data stays). If neither is given: as OPENSEARCH_ENABLED says, and where"
    " that is not set, as the last time; the first time without.",
)
def up(opensearch: bool | None, as_json: bool) -> int:
    from clickstream.actions import stack
    from clickstream.actions.observe.model import TITLES
    from clickstream.config.paths import Home

    def downloading(now: Download) -> None:
        activity.report(f"downloading {TITLES[now.product]}, once", now.bytes_done, now.bytes_total)

    activity.report("starting the servers")
    found = stack.up(Home.from_environment(), opensearch=opensearch, progress=downloading)
    if as_json:
        output.write_json(_document(found))
        return ExitCode.DONE
    print_message(found.summary())
    if found.warning:
        print_message(f"warning: {found.warning}")
    _write(found)
    return ExitCode.DONE


@command("stack down")
def down(as_json: bool) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    output.report(stack.down(Home.from_environment()), as_json=as_json)
    return ExitCode.DONE


@command("stack status")
def status(as_json: bool) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    found = stack.status(Home.from_environment())
    if as_json:
        output.write_json(_document(found))
    else:
        _write(found)
    return ExitCode.DONE


@command("stack env")
def env(as_json: bool) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    found = stack.env(Home.from_environment())
    if as_json:
        output.write_json(found)
    else:
        for name, value in found.items():
            output.write_text(f"{name}={shlex.quote(value)}")
    return ExitCode.DONE


@command("stack reset")
@YES
def reset(yes: bool, as_json: bool) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    home = Home.from_environment()
    if not confirmed(f"This removes all data of the embedded servers in {home.root}.", yes=yes):
        return ExitCode.FAILED
    output.report(stack.reset(home), as_json=as_json)
    return ExitCode.DONE


def _document(found: StackStatus) -> dict[str, object]:
    document = {"running": found.running, "servers": found.servers, "started": found.started, "stopped": found.stopped}
    return document | {"warning": found.warning}


def _ended(server: ServerStatus) -> str:
    """Why it does not run; of one that runs again, how often and when it was started again, and why."""
    if server.state is not ProcessState.RUNNING:
        return server.exit_reason
    if not server.restarts:
        return ""
    times = "once" if server.restarts == 1 else f"{server.restarts} times"
    at = f" at {time.strftime('%H:%M:%S', time.localtime(server.started_at))}" if server.started_at else ""
    return f"restarted {times}, last{at}: {server.exit_reason}"


def _write(found: StackStatus) -> None:
    rows = [
        (
            server.name,
            server.state.value,
            f"{server.host}:{server.port}" if server.port else "",
            str(server.pid or ""),
            output.number(server.rss_bytes, unit="B"),
            _ended(server),
        )
        for server in found.servers
    ]
    headers = ("server", "state", "address", "pid", "memory", "")
    output.write([output.Table(headers, rows, drop=("memory", "pid"), wrap=("",))])
