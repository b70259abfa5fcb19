"""Commands that only read: status, lag, analytics, sessions show, verify, topic show."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from clickstream.cli import output, views
from clickstream.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from clickstream.cli.output import Block


def status(args: Namespace) -> int:
    from clickstream.actions import status as action
    from clickstream.config.settings import load_settings

    settings = load_settings()
    if args.watch:
        return _watch(action.watch(settings), views.status, as_json=args.json)
    return _write(action.status(settings), views.status, as_json=args.json)


def lag(args: Namespace) -> int:
    from clickstream.actions import lag as action
    from clickstream.config.settings import load_settings

    settings = load_settings()
    if args.watch:
        return _watch(action.watch(settings), views.lag, as_json=args.json)
    return _write(action.measure(settings), views.lag, as_json=args.json)


def analytics(args: Namespace) -> int:
    from clickstream.actions.analytics import analytics as action
    from clickstream.config.settings import load_settings

    return _write(action(load_settings()), views.analytics, as_json=args.json)


def sessions_show(args: Namespace) -> int:
    from clickstream.actions import sessions as action
    from clickstream.config.settings import load_settings

    return _write(action.show(load_settings(), args.visitor), views.visitor, as_json=args.json)


def verify(args: Namespace) -> int:
    from clickstream.actions import verify as action
    from clickstream.config.settings import load_settings

    verification = action.verify(load_settings())
    _write(action.document(verification), views.verification, as_json=args.json)
    return ExitCode.DONE if verification.ok else ExitCode.FAILED


def topic_show(args: Namespace) -> int:
    from clickstream.actions import topic as action
    from clickstream.config.settings import load_settings

    return _write(action.show(load_settings()), views.topic, as_json=args.json)


def _write(result: Any, view: Callable[[Any], Sequence[Block]], *, as_json: bool) -> int:
    if as_json:
        output.write_json(result)
    else:
        output.write(view(result))
    return ExitCode.DONE


def _watch(results: Iterator[Any], view: Callable[[Any], Sequence[Block]], *, as_json: bool) -> int:
    """Show each result: on a terminal in place of the one before, elsewhere one after the other."""
    if as_json or not output.is_terminal():
        for result in results:
            if as_json:
                output.write_json_line(result)
            else:
                output.write([*view(result), output.Line("")])
        return ExitCode.DONE
    from rich.live import Live

    with Live(console=output.console(), auto_refresh=False, screen=True) as live:
        for result in results:
            live.update(output.renderable([*view(result), output.Line("Ctrl+C ends")]), refresh=True)
    return ExitCode.DONE
