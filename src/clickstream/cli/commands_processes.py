"""Commands for a single process by name: stop, restart, kill, freeze, thaw."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from clickstream.cli import output
from clickstream.cli.diagnostics import ExitCode, say


def stop(args: Namespace) -> int:
    from clickstream.actions import processes
    from clickstream.config.settings import load_settings

    ran = processes.stop(load_settings(), args.name)
    return _done(args, f"stopped {args.name}" if ran else f"{args.name} was not running", {"ran": ran})


def restart(args: Namespace) -> int:
    from clickstream.actions import processes
    from clickstream.config.settings import load_settings

    processes.restart(load_settings(), args.name)
    return _done(args, f"restarted {args.name}", {})


def kill(args: Namespace) -> int:
    from clickstream.actions.kill import kill as action
    from clickstream.config.settings import load_settings

    pid = action(load_settings(), args.name)
    return _done(args, f"{args.name}: SIGKILL to process {pid}", {"pid": pid})


def freeze(args: Namespace) -> int:
    return _frozen(args, frozen=True)


def thaw(args: Namespace) -> int:
    return _frozen(args, frozen=False)


def _frozen(args: Namespace, *, frozen: bool) -> int:
    from clickstream.actions.kill import freeze as action
    from clickstream.config.settings import load_settings

    pid = action(load_settings(), args.name, frozen=frozen)
    words = (
        f"{args.name} hangs now; `clickstream worker thaw {args.name}` lets it go on"
        if frozen
        else f"{args.name} goes on"
    )
    return _done(args, words, {"pid": pid})


def _done(args: Namespace, words: str, found: dict[str, Any]) -> int:
    if args.json:
        output.write_json({"name": args.name} | found)
    else:
        say(words)
    return ExitCode.DONE
