"""Commands for the consumers and the producer, and those that are a worker themselves."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from clickstream.actions.observe import documents
from clickstream.cli import activity, output, views
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow
    from clickstream.actions.rolling import Restarted
    from clickstream.config.paths import Home


def worker(args: Namespace) -> int:
    if args.report:
        from clickstream.actions.run_worker import run_worker

        args.name = args.name or f"{args.role}-0"
        return run_worker(args.role, args)
    from clickstream.actions.run_worker_foreground import run_foreground

    return run_foreground(args.role, args)


def worker_health(args: Namespace) -> int:
    from clickstream.actions.worker_health import health

    found = health(args.health_file, within=args.within, ready=args.ready)
    if args.json:
        output.write_json(found)
    else:
        detail = f" ({found.detail})" if found.detail else ""
        output.write_text(f"{found.state}{detail}, said {found.age_seconds:g} s ago")
    return ExitCode.DONE if found.ok else ExitCode.FAILED


def consumer_start(args: Namespace) -> int:
    from clickstream.actions import consumers
    from clickstream.config.settings import load_settings

    started = consumers.start(load_settings(), count=args.count, accept_gap=args.accept_gap, kind=args.type)
    if args.json:
        output.write_json(started)
        return ExitCode.DONE
    if started.kept:
        say(f"running already: {', '.join(started.kept)}")
    if started.started:
        say(f"started: {', '.join(started.started)} for {started.partitions} partitions of {started.topic}")
    return ExitCode.DONE


def consumer_stop(args: Namespace) -> int:
    from clickstream.actions import consumers
    from clickstream.config.settings import load_settings

    activity.say("stopping consumers; one that hangs is killed after 20 s")
    stopped = consumers.stop(load_settings(), tuple(args.names), kind=args.type)
    if args.json:
        output.write_json({"stopped": stopped})
    else:
        say(f"stopped: {', '.join(stopped)}" if stopped else "no consumer was running")
    return ExitCode.DONE


def consumer_restart(args: Namespace) -> int:
    from clickstream.actions import consumers
    from clickstream.config.settings import load_settings

    def told(one: Restarted) -> None:
        if not args.json:
            say(f"restarted: {one.name}, after {one.seconds:g} s")

    restarted = consumers.restart(
        load_settings(), tuple(args.names), kind=args.type, all_at_once=args.all_at_once, told=told
    )
    if args.json:
        output.write_json({"restarted": [one.name for one in restarted], "consumers": restarted})
    return ExitCode.DONE


def consumer_scale(args: Namespace) -> int:
    from clickstream.actions.scale import scale
    from clickstream.config.settings import load_settings

    found = scale(load_settings(), args.count)
    if args.json:
        output.write_json(found)
    else:
        say(f"consumers: {found.before} before, {found.now} now")
    return ExitCode.DONE


def consumer_list(args: Namespace) -> int:
    from clickstream.actions import consumers
    from clickstream.config.settings import load_settings

    found = consumers.listed(load_settings(), kind=args.type)
    if args.json:
        output.write_json([documents.worker(row) for row in found])
    else:
        output.write(views.workers(found))
    return ExitCode.DONE


def consumer_logs(args: Namespace) -> int:
    from clickstream.config.settings import load_settings

    prefixes = {"postgresql": ["consumer-"], "opensearch": ["indexer-"]}.get(args.type, ["consumer-", "indexer-"])
    return _logs(args, load_settings().home, prefixes, args.names)


def producer_start(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    settings = load_settings()
    run = producers.Run(args.file or settings.pipeline.data_file, args.limit, args.rate, args.realtime)
    worker_ = producers.start(settings, run)
    if args.json:
        output.write_json(documents.worker(worker_))
    else:
        say(f"the producer sends {run.file}; `clickstream producer status` says how far it is")
    return ExitCode.DONE


def producer_stop(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    stopped = producers.stop(load_settings())
    if args.json:
        output.write_json(stopped)
    elif stopped.running:
        say(f"stopped; Kafka has acknowledged {stopped.acknowledged:,} of {stopped.total:,} events")
    else:
        say("no producer was running")
    return ExitCode.DONE


def producer_pause(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    return _steered(args, producers.pause(load_settings()))


def producer_resume(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    return _steered(args, producers.resume(load_settings()))


def producer_pace(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    return _steered(args, producers.pace(load_settings(), rate=args.rate, realtime=args.realtime))


def _steered(args: Namespace, found: ProcessRow) -> int:
    if args.json:
        output.write_json(documents.worker(found))
    elif not found.under_way:
        say(f"the producer is {found.state}")
    else:
        how = "is paused" if found.activity == "paused" else f"sends at {found.pace}"
        say(f"the producer {how}; Kafka has acknowledged {found.events:,} of {found.counters.get('total', 0):,} events")
    return ExitCode.DONE


def producer_status(args: Namespace) -> int:
    from clickstream.actions import producers
    from clickstream.config.settings import load_settings

    found = producers.status(load_settings())
    if args.json:
        output.write_json(found and documents.worker(found))
    elif found is None:
        output.write([output.Line("there is no producer")])
    else:
        output.write(views.producer(found))
    return ExitCode.DONE


def producer_logs(args: Namespace) -> int:
    from clickstream.config.settings import load_settings

    return _logs(args, load_settings().home, ["producer"], [])


def _logs(args: Namespace, home: Home, prefixes: list[str], names: list[str]) -> int:
    from clickstream.actions.logs import read as logs

    known = [name for prefix in prefixes for name in logs.known(home, prefix)]
    chosen = names or known or [prefixes[0].rstrip("-")]
    last = [(name, line) for name in chosen for line in logs.tail(home, name, args.lines)]
    if args.json and not args.follow:
        output.write_json([{"name": name, "line": line} for name, line in last])
        return ExitCode.DONE
    several = len(chosen) > 1
    _write_lines(last, several=several, as_json=args.json)
    if args.follow:
        for heard in logs.follow(home, chosen):
            _write_lines([heard], several=several, as_json=args.json)
    return ExitCode.DONE


def _write_lines(lines: list[tuple[str, str]], *, several: bool, as_json: bool) -> None:
    for name, line in lines:
        if as_json:
            output.write_json_line({"name": name, "line": line})
        else:
            output.write_text(f"{name}: {line}" if several else line)
