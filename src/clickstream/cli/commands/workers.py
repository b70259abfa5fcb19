"""`consumer`, `producer` and `worker`: starting, steering and stopping processes, and running one in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from clickstream.cli import activity, output
from clickstream.cli.ask import confirmed
from clickstream.cli.complete import processes
from clickstream.cli.declare import command, current_settings, options, wrong_use
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.types import FILE, NATURAL, POSITIVE, RATE, REALTIME, SPAN, TARGET

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow
    from clickstream.actions.processes.consumers import ConsumerKind
    from clickstream.actions.processes.rolling import RestartedWorker
    from clickstream.actions.processes.supervised import RunOptions
    from clickstream.domain.pace import Pace
    from clickstream.domain.target import Target

TYPE = click.option(
    "--type",
    "kind",
    type=click.Choice(["postgresql", "opensearch"]),
    help="Only those that fill this store; else both, where OPENSEARCH_ENABLED is true.",
)
ACCEPT_GAP = click.option(
    "--accept-gap", is_flag=True, help="Continue where Kafka has removed unread messages; records the gap."
)
FOLLOW = click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl+C; with --json a document a line.")
LINES = click.option(
    "-n", "--lines", type=POSITIVE, default=50, metavar="N", show_default=True, help="The last N lines."
)
WHAT = options(
    click.option("--file", type=FILE, metavar="F", help="CSV, .gz or .zst; else PRODUCER_DATA_FILE."),
    click.option("--limit", type=POSITIVE, metavar="N", help="Only the first N events by time."),
)
RATE_OPTION = click.option("--rate", type=RATE, metavar="N", help="Events a second, evenly.")
REALTIME_OPTION = click.option(
    "--realtime", type=REALTIME, is_flag=False, flag_value="1x", metavar="[5x]",
    help="As the events happened, this many times as fast; once as fast without a number.",
)  # fmt: skip


NAMES = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=processes, help="Which; else all.")
NAME = click.argument(
    "name", metavar="NAME", shell_complete=processes, help="As `clickstream status` and `stack status` list it."
)


@command("consumer start")
@click.option("--count", type=POSITIVE, metavar="N", help="How many; else one a partition, and one indexer.")
@ACCEPT_GAP
@TYPE
def consumer_start(count: int | None, accept_gap: bool, kind: str | None, as_json: bool) -> int:
    from clickstream.actions.processes import consumers

    started = consumers.start(current_settings(), count=count, accept_gap=accept_gap, kind=_kind(kind))
    output.report(started, as_json=as_json)
    return ExitCode.DONE


@command("consumer stop")
@NAMES
@TYPE
def consumer_stop(names: tuple[str, ...], kind: str | None, as_json: bool) -> int:
    from clickstream.actions.processes import consumers

    activity.report("stopping consumers; one that hangs is killed after 20 s")
    output.report(consumers.stop(current_settings(), names, kind=_kind(kind)), as_json=as_json)
    return ExitCode.DONE


@command("consumer restart")
@NAMES
@click.option("--all-at-once", is_flag=True, help="Restart all together: nothing is stored meanwhile.")
@TYPE
def consumer_restart(names: tuple[str, ...], all_at_once: bool, kind: str | None, as_json: bool) -> int:
    from clickstream.actions.processes import consumers

    def report_restart(one: RestartedWorker) -> None:
        if not as_json:
            print_message(one.summary())

    restarted = consumers.restart(
        current_settings(), names, kind=_kind(kind), all_at_once=all_at_once, on_restart=report_restart
    )
    if as_json:
        output.write_json({"restarted": [one.name for one in restarted], "consumers": restarted})
    return ExitCode.DONE


@command("consumer scale")
@click.argument("count", type=NATURAL, metavar="COUNT", help="How many, from 0 to one a partition.")
def consumer_scale(count: int, as_json: bool) -> int:
    from clickstream.actions.processes.consumers import scale

    output.report(scale(current_settings(), count), as_json=as_json)
    return ExitCode.DONE


@command("consumer rewind")
@click.option(
    "--to",
    "target",
    type=TARGET,
    required=True,
    metavar="TARGET",
    help="earliest, latest, an offset (1500; with --partition), a time of sending (2026-11-25T08:30, in UTC unless it"
    " names a zone), or Unix milliseconds (1430622004384ms).",
)
@click.option("--partition", type=NATURAL, metavar="N", help="Only this one; else all.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask where messages are skipped.")
def consumer_rewind(target: Target, partition: int | None, yes: bool, as_json: bool) -> int:
    from clickstream.actions import rewind as action

    settings = current_settings()
    planned = action.plan(settings, target, partition=partition)
    if planned.skipped:
        what = f"This skips {planned.skipped:,} messages of topic {planned.topic}: they will not be read."
        if not confirmed(what, yes=yes, does="skips messages", undone="moved"):
            return ExitCode.FAILED
    found = action.rewind(settings, target, partition=partition, may_skip=yes or planned.skipped > 0)
    output.report(found, as_json=as_json)
    return ExitCode.DONE


@command("consumer list")
@TYPE
def consumer_list(kind: str | None, as_json: bool) -> int:
    from clickstream.actions.observe import documents
    from clickstream.actions.processes import consumers

    found = consumers.list_workers(current_settings(), kind=_kind(kind))
    if as_json:
        output.write_json([documents.worker(row) for row in found])
    else:
        from clickstream.cli import frames

        output.write(frames.workers(found))
    return ExitCode.DONE


@command("consumer logs")
@NAMES
@FOLLOW
@LINES
@TYPE
def consumer_logs(names: tuple[str, ...], follow: bool, lines: int, kind: str | None, as_json: bool) -> int:
    prefixes = {"postgresql": ["consumer-"], "opensearch": ["indexer-"]}.get(kind or "", ["consumer-", "indexer-"])
    return _logs(prefixes, names, follow=follow, lines=lines, as_json=as_json)


def _kind(text: str | None) -> ConsumerKind | None:
    from clickstream.actions.processes.consumers import ConsumerKind

    return ConsumerKind(text) if text else None


@command("producer start")
@WHAT
@RATE_OPTION
@REALTIME_OPTION
def producer_start(
    file: Path | None, limit: int | None, rate: Pace | None, realtime: Pace | None, as_json: bool
) -> int:
    from clickstream.actions.observe import documents
    from clickstream.actions.processes import producers

    pace, settings = _pace(rate, realtime), current_settings()
    run = producers.SendingRun(file or settings.pipeline.data_file, limit, pace)
    started = producers.start(settings, run)
    if as_json:
        output.write_json(documents.worker(started))
    else:
        print_message(f"the producer sends {run.file}; `clickstream producer status` says how far it is")
    return ExitCode.DONE


@command("producer pause")
def producer_pause(as_json: bool) -> int:
    from clickstream.actions.processes import producers

    return _steered(producers.pause(current_settings()), as_json=as_json)


@command("producer resume")
def producer_resume(as_json: bool) -> int:
    from clickstream.actions.processes import producers

    return _steered(producers.resume(current_settings()), as_json=as_json)


@command("producer pace")
@RATE_OPTION
@REALTIME_OPTION
@click.option("--full", is_flag=True, help="As fast as Kafka takes them.")
def producer_pace(rate: Pace | None, realtime: Pace | None, full: bool, as_json: bool) -> int:
    from clickstream.actions.processes import producers

    if full == bool(rate or realtime):
        wrong_use("give one of --rate, --realtime and --full")
    return _steered(producers.set_pace(current_settings(), _pace(rate, realtime)), as_json=as_json)


@command("producer stop")
def producer_stop(as_json: bool) -> int:
    from clickstream.actions.processes import producers

    output.report(producers.stop(current_settings()), as_json=as_json)
    return ExitCode.DONE


@command("producer status")
def producer_status(as_json: bool) -> int:
    from clickstream.actions.observe import documents
    from clickstream.actions.processes import producers

    found = producers.status(current_settings())
    if as_json:
        output.write_json(found and documents.worker(found))
    elif found is None:
        output.write([output.TextLine("no producer was started yet")])
    else:
        from clickstream.cli import frames

        output.write(frames.producer(found))
    return ExitCode.DONE


@command("producer logs")
@FOLLOW
@LINES
def producer_logs(follow: bool, lines: int, as_json: bool) -> int:
    return _logs(["producer"], (), follow=follow, lines=lines, as_json=as_json)


def _pace(rate: Pace | None, realtime: Pace | None) -> Pace:
    from clickstream.domain.pace import FULL_SPEED

    if rate and realtime:
        wrong_use("--rate and --realtime exclude one another; give one of them")
    return rate or realtime or FULL_SPEED


def _steered(found: ProcessRow, *, as_json: bool) -> int:
    from clickstream.actions.observe import documents
    from clickstream.actions.processes import producers

    if as_json:
        output.write_json(documents.worker(found))
    else:
        print_message(producers.summary(found))
    return ExitCode.DONE


def _logs(prefixes: list[str], names: tuple[str, ...], *, follow: bool, lines: int, as_json: bool) -> int:
    from clickstream.actions.logs import read as logs

    home = current_settings().home
    known = [name for prefix in prefixes for name in logs.known(home, prefix)]
    chosen = list(names) or known or [prefixes[0].rstrip("-")]
    if as_json and not follow:
        output.write_json([{"name": name, "line": line} for name, line in logs.tail(home, chosen, lines)])
        return ExitCode.DONE
    for name, line in logs.follow(home, chosen, lines) if follow else logs.tail(home, chosen, lines):
        if as_json:
            output.write_json_line({"name": name, "line": line})
        else:
            output.write_text(f"{name}: {line}" if len(chosen) > 1 else line)
    return ExitCode.DONE


@command("worker stop")
@NAME
def worker_stop(name: str, as_json: bool) -> int:
    from clickstream.actions.processes import by_name

    output.report(by_name.stop(current_settings(), name), as_json=as_json)
    return ExitCode.DONE


@command("worker restart")
@NAME
def worker_restart(name: str, as_json: bool) -> int:
    from clickstream.actions.processes import by_name

    output.report(by_name.restart(current_settings(), name), as_json=as_json)
    return ExitCode.DONE


@command("worker kill")
@NAME
def worker_kill(name: str, as_json: bool) -> int:
    from clickstream.actions.processes import by_name

    output.report(by_name.kill(current_settings(), name), as_json=as_json)
    return ExitCode.DONE


@command("worker freeze")
@NAME
def worker_freeze(name: str, as_json: bool) -> int:
    from clickstream.actions.processes import by_name

    output.report(by_name.freeze(current_settings(), name, frozen=True), as_json=as_json)
    return ExitCode.DONE


@command("worker thaw")
@NAME
def worker_thaw(name: str, as_json: bool) -> int:
    from clickstream.actions.processes import by_name

    output.report(by_name.freeze(current_settings(), name, frozen=False), as_json=as_json)
    return ExitCode.DONE


FOREGROUND = options(
    click.option("--name", default="", metavar="N", help="In logs and lists; else the role, the host and the pid."),
    click.option("--log-json", is_flag=True, help="Log lines of JSON."),
    click.option("--health-file", type=FILE, metavar="F", help="A file to renew every second; see worker health."),
    click.option("--report", is_flag=True, hidden=True),
)
"""Of one worker in the foreground; with --report it is what the supervisor starts."""


@command("worker consumer", json=False, shows_itself=True)
@ACCEPT_GAP
@FOREGROUND
def worker_consumer(accept_gap: bool, name: str, log_json: bool, health_file: Path | None, report: bool) -> int:
    from clickstream.actions.processes.supervised import RunOptions

    return _run("consumer", RunOptions(name, report, log_json, health_file, accept_gap=accept_gap))


@command("worker indexer", json=False, shows_itself=True)
@ACCEPT_GAP
@FOREGROUND
def worker_indexer(accept_gap: bool, name: str, log_json: bool, health_file: Path | None, report: bool) -> int:
    from clickstream.actions.processes.supervised import RunOptions

    return _run("indexer", RunOptions(name, report, log_json, health_file, accept_gap=accept_gap))


@command("worker producer", json=False, shows_itself=True)
@WHAT
@RATE_OPTION
@REALTIME_OPTION
@FOREGROUND
def worker_producer(
    file: Path | None,
    limit: int | None,
    rate: Pace | None,
    realtime: Pace | None,
    name: str,
    log_json: bool,
    health_file: Path | None,
    report: bool,
) -> int:
    from clickstream.actions.processes.supervised import RunOptions

    pace = _pace(rate, realtime)
    return _run("producer", RunOptions(name, report, log_json, health_file, file=file, limit=limit, pace=pace))


def _run(name: Literal["consumer", "indexer", "producer"], report_restart: RunOptions) -> int:
    from clickstream.domain.processes import Role

    role = Role(name)
    if report_restart.report:
        from clickstream.actions.processes.supervised import run_worker

        return run_worker(role, report_restart)
    from clickstream.actions.processes.foreground import run_foreground

    return run_foreground(role, report_restart)


@command("worker health")
@click.option("--health-file", type=FILE, required=True, metavar="F", help="The file that the worker was given.")
@click.option("--within", type=SPAN, default=30.0, metavar="30s", help="How old the file may be; 30s if not given.")
@click.option("--ready", is_flag=True, help="Exit 1 also while it starts, stops, or waits for a server.")
def worker_health(health_file: Path, within: float, ready: bool, as_json: bool) -> int:
    from clickstream.actions.processes.health import health

    found = health(health_file, within=within, ready=ready)
    if as_json:
        output.write_json(found)
    else:
        detail = f" ({found.detail})" if found.detail else ""
        output.write_text(f"{found.state}{detail}, said {found.age_seconds:g} s ago")
    return ExitCode.DONE if found.ok else ExitCode.FAILED
