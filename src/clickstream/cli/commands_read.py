"""Commands that only read: status, lag, analytics, sessions show, verify, topic show."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from clickstream.cli import activity, commands_watch, output, views, views_funnel, views_lag
from clickstream.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from clickstream.cli.output import Block


def status(args: Namespace) -> int:
    if args.watch:
        return commands_watch.status(args)
    from clickstream.actions.observe import documents
    from clickstream.actions.observe.once import observe
    from clickstream.config.settings import load_settings

    frame = observe(load_settings)
    if args.json:
        output.write_json(documents.status(frame))
    else:
        output.write(views.status(frame))
    return ExitCode.FAILED if documents.troubles(frame) else ExitCode.DONE


def lag(args: Namespace) -> int:
    if args.window is not None and not args.history:
        from clickstream.domain.errors import UsageError

        raise UsageError("--window says how far --history reaches back", hint="give them together")
    if args.watch:
        return commands_watch.lag(args)
    from clickstream.config.settings import load_settings

    if args.history:
        from clickstream.actions.observe.history import DEFAULT_WINDOW, history

        window = DEFAULT_WINDOW if args.window is None else args.window
        return _write(history(load_settings(), window=window), views_lag.history, as_json=args.json)
    from clickstream.actions.observe import documents

    if args.report:
        from clickstream.actions.observe.back_pressure import pressures
        from clickstream.actions.observe.report import report

        frame = report(load_settings)
        found = pressures(frame)
        if args.json:
            output.write_json(documents.report(frame, found))
        else:
            output.write(views_lag.report(frame, found))
        return ExitCode.DONE
    from clickstream.actions.observe.once import observe_flow

    frame = observe_flow(load_settings)
    if args.json:
        output.write_json(documents.lag(frame))
    else:
        output.write(views_lag.lag(frame))
    return ExitCode.DONE


def analytics(args: Namespace) -> int:
    from clickstream.actions.analytics import analytics as action
    from clickstream.config.settings import load_settings

    if not args.detail:
        return _write(action(load_settings()), views.analytics, as_json=args.json)
    from clickstream.actions.funnel import detailed

    return _write(detailed(load_settings()), views_funnel.detailed, as_json=args.json)


def sessions_show(args: Namespace) -> int:
    from clickstream.actions import sessions as action
    from clickstream.config.settings import load_settings

    return _write(action.show(load_settings(), args.visitor), views.visitor, as_json=args.json)


def verify(args: Namespace) -> int:
    from clickstream.actions import verify as action
    from clickstream.config.settings import load_settings

    settings = load_settings()
    if not args.opensearch:
        verification = action.verify(settings, progress=_compared)
        _write(action.document(verification), views.verification, as_json=args.json)
        return ExitCode.DONE if verification.ok else ExitCode.FAILED
    from clickstream.actions import verify_index

    activity.say("comparing the index with PostgreSQL")
    index = verify_index.verify_index(settings)
    verification = action.verify(settings, progress=_compared)
    ok = verification.ok and index.ok
    both = action.document(verification) | {"ok": ok, "opensearch": verify_index.document(index)}
    _write(both, views.verification_of_both, as_json=args.json)
    return ExitCode.DONE if ok else ExitCode.FAILED


def _compared(share: float) -> None:
    activity.say("comparing every session with its events", round(100 * share), 100)


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
