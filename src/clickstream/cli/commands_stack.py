"""Commands for the embedded servers."""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import TYPE_CHECKING

from clickstream.cli import output, progress
from clickstream.cli.ask import confirmed
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.stack import Download, StackStatus


def up(args: Namespace) -> int:
    from clickstream.actions import stack
    from clickstream.actions.watch.happenings import TITLES
    from clickstream.config.paths import Home

    with progress.phases("bytes") as tell:

        def downloading(now: Download) -> None:
            tell(f"downloading {TITLES[now.product]}, once", now.bytes_done, now.bytes_total)

        found = stack.up(Home.from_environment(), opensearch=args.opensearch, progress=downloading)
    if args.json:
        output.write_json(_document(found))
        return ExitCode.DONE
    if found.stopped:
        say(f"stopped: {', '.join(found.stopped)}")
    say(f"started: {', '.join(found.started)}" if found.started else "all servers were running already")
    if found.warning:
        say(f"warning: {found.warning}")
    _write(found)
    return ExitCode.DONE


def down(args: Namespace) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    stopped = stack.down(Home.from_environment())
    if args.json:
        output.write_json({"stopped": stopped})
    else:
        say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    return ExitCode.DONE


def status(args: Namespace) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    found = stack.status(Home.from_environment())
    if args.json:
        output.write_json(_document(found))
    else:
        _write(found)
    return ExitCode.DONE


def env(args: Namespace) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    found = stack.env(Home.from_environment())
    if args.json:
        output.write_json(found)
    else:
        for name, value in found.items():
            output.write_text(f"{name}={shlex.quote(value)}")
    return ExitCode.DONE


def reset(args: Namespace) -> int:
    from clickstream.actions import stack
    from clickstream.config.paths import Home

    home = Home.from_environment()
    if not confirmed(f"This removes all data of the embedded servers in {home.root}.", yes=args.yes):
        return ExitCode.FAILED
    stack.reset(home)
    if args.json:
        output.write_json({"home": home.root})
    else:
        say(f"removed the embedded servers' data in {home.root}")
    return ExitCode.DONE


def _document(found: StackStatus) -> dict[str, object]:
    document = {"running": found.running, "servers": found.servers, "started": found.started, "stopped": found.stopped}
    return document | {"warning": found.warning}


def _write(found: StackStatus) -> None:
    rows = [
        (
            server.name,
            server.state.value,
            f"{server.host}:{server.port}" if server.port else "",
            str(server.pid or ""),
            output.number(server.rss_bytes, unit="B"),
            server.exit_reason,
        )
        for server in found.servers
    ]
    output.write([output.Table(("server", "state", "address", "pid", "memory", ""), rows)])
