"""`benchmark`: asks for confirmation, shows its progress, and compares the figures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clickstream.cli import activity, output
from clickstream.cli.ask import YES, confirmed
from clickstream.cli.declare import command, current_settings, options
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.interruption import Interruption
from clickstream.cli.types import FILE, NUMBERS, PICTURE, POSITIVE, RAMP, RATE

if TYPE_CHECKING:
    from clickstream.actions.benchmark.history import Record
    from clickstream.actions.benchmark.run import Run
    from clickstream.actions.benchmark.series import Options, Summary
    from clickstream.config.settings import Settings
    from clickstream.domain.pace import Pace

CASES = options(
    click.option(
        "--limit", type=NUMBERS, default=(1_000_000,), metavar="N[,N...]", help="Events a run; 1000000 if not given."
    ),
    click.option(
        "--partitions", type=NUMBERS, default=(1, 2, 3), metavar="N[,N...]",
        help="Partitions, with a consumer each; 1,2,3 if not given.",
    ),
    click.option(
        "--runs", type=POSITIVE, default=1, metavar="R", show_default=True, help="How often each case, in turns."
    ),
    click.option(
        "--mode", type=click.Choice(["drain", "live"]), default="drain", show_default=True,
        help="drain: all is in Kafka before the consumers start; live: the producer works beside them.",
    ),
    click.option(
        "--order", type=click.Choice(["sorted", "late", "random"]), default="sorted", show_default=True,
        help="drain: how the events lie in Kafka; late: 5 % late and 1 % twice.",
    ),
    click.option("--rate", type=RATE, metavar="N", help="live: events a second; else as many as it can."),
    click.option(
        "--ramp", type=RAMP, metavar="START:END:STEP",
        help="live runs of ten seconds, a rate each, until the consumers fall behind.",
    ),
)  # fmt: skip


@command("benchmark")
@CASES
@click.option("--chart", type=PICTURE, metavar="FILE", help="Draw the medians as bars (.svg or .png).")
@click.option("--compare", type=FILE, metavar="FILE", help="Show beside them what an earlier --json wrote to a file.")
@YES
def benchmark(  # noqa: PLR0913 (a parameter an option)
    *,
    limit: tuple[int, ...],
    partitions: tuple[int, ...],
    runs: int,
    mode: str,
    order: str,
    rate: Pace | None,
    ramp: tuple[int, int, int] | None,
    chart: Path | None,
    compare: Path | None,
    yes: bool,
    as_json: bool,
) -> int:
    from clickstream.actions.benchmark import chart as drawing
    from clickstream.actions.benchmark.history import load
    from clickstream.actions.benchmark.load import Mode, Order
    from clickstream.actions.benchmark.series import Options, cases, check, summaries

    options = Options(limit, partitions, runs, Mode(mode), Order(order), rate.rate if rate else None, ramp)
    check(options)
    earlier = load(compare) if compare else None
    if chart:
        drawing.require(chart)
    settings = current_settings()
    count = len(cases(options)) * options.runs
    most = max(case.events for case in cases(options))
    what = f"{count} run{'s' if count > 1 else ''} of up to {most:,} events; both cores will be busy."
    if not confirmed(what, yes=yes):
        return ExitCode.FAILED
    record = _measured(settings, options, count)
    if chart:
        drawing.chart(summaries(record.runs), record, chart)
        print_message(f"drawn: {chart}")
    if as_json:
        output.write_json(record.document())
    else:
        _show(record, earlier, options)
    return ExitCode.DONE if all(run.verified for run in record.runs) else ExitCode.FAILED


@command("benchmark show")
def show(as_json: bool) -> int:
    from clickstream.actions.benchmark.history import read_records

    records = read_records(current_settings().home)
    if as_json:
        output.write_json([record.document() for record in records])
    elif not records:
        print_message("no benchmark was run here yet: `clickstream benchmark` runs one")
    else:
        output.write([block for record in records for block in (_heading(record), _table(record.runs))])
    return ExitCode.DONE


def _show(record: Record, earlier: Record | None, options: Options) -> None:
    from clickstream.actions.benchmark.series import summaries, sustained_rate

    output.write([_heading(record), _summary(summaries(record.runs), earlier)])
    if options.ramp:
        highest = sustained_rate(record.runs)
        rate = f"highest rate sustained: {highest:,.0f} events/s"
        print_message(rate if highest else "not even the first rate was sustained")


def _measured(settings: Settings, options: Options, count: int) -> Record:
    from clickstream.actions.benchmark.series import benchmark

    done = 0

    def print_run(run: Run) -> None:
        nonlocal done
        done += 1
        print_message(f"{done} of {count}: {_words(run)}")

    with Interruption() as interruption:
        return benchmark(settings, options, activity.report, print_run, lambda: interruption.asked)


def _words(run: Run) -> str:
    figures = [
        f"{run.partitions} partition{'s' if run.partitions > 1 else ''}, {run.events:,} events:"
        f" {run.events_per_second:,.0f} events/s",
        f"{run.ratio_to_copy_limit:.2f} of the copy limit",
        f"{run.cpu_seconds / run.events * 1e6:.1f} us of CPU an event",
    ]
    if run.producing:
        figures.append(
            f"produced at {run.producing['events_per_second']:,.0f}/s"
            f" with {run.producing['cpu_seconds'] / run.events * 1e6:.1f} us"
        )
    if run.latency_ms:
        figures.append("latency p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms".format(**run.latency_ms))
    if not run.sustained:
        figures.append("falls behind")
    figures.append("verify ok" if run.verified else "VERIFY FOUND DIFFERENCES")
    return ", ".join(figures)


def _heading(record: Record) -> output.TextLine:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.at))
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items() if version)
    memory = record.machine["memory_bytes"] / 2**30
    return output.TextLine(
        f"{when}  {record.machine['cores']} cores, {record.machine['cpu']}, {memory:.0f} GB; {versions}"
    )


def _table(runs: tuple[Run, ...]) -> output.Table:
    return output.Table(
        (
            "partitions",
            "events",
            "mode",
            "order",
            "seconds",
            "events/s",
            "copy limit",
            "ratio",
            "us/event",
            "peak",
            "verify",
        ),
        [
            (
                run.partitions,
                run.events,
                run.mode,
                run.order,
                f"{run.seconds:.2f}",
                f"{run.events_per_second:,.0f}",
                f"{run.copy_limit_events_per_second:,.0f}",
                f"{run.ratio_to_copy_limit:.2f}",
                f"{run.cpu_seconds / run.events * 1e6:.1f}",
                output.number(run.peak_rss_bytes, unit="B"),
                "ok" if run.verified else "DIFFERS",
            )
            for run in runs
        ],
        drop=("peak", "us/event", "seconds", "copy limit", "order", "mode", "ratio", "events", "verify"),
    )


def _summary(found: list[Summary], earlier: Record | None) -> output.Table:
    """The cases, and beside each what an earlier benchmark found for the same one."""
    from clickstream.actions.benchmark.series import summaries

    before = {one.case: one.median for one in summaries(earlier.runs)} if earlier else {}
    headers = (
        "partitions",
        "events",
        "mode",
        "order",
        "rate",
        "runs",
        "min",
        "median",
        "max",
        "of copy limit",
        "verify",
    )
    rows = []
    for one in found:
        case = one.case
        row: list[output.Cell] = [
            case.partitions,
            case.events,
            case.mode,
            str(case.order),
            f"{case.rate:,.0f}" if case.rate else "",
            one.runs,
            f"{one.minimum:,.0f}",
            f"{one.median:,.0f}",
            f"{one.maximum:,.0f}",
            f"{one.ratio:.2f}",
            "ok" if one.verified else "DIFFERS",
        ]
        if earlier:
            row.append(f"{one.median / before[case]:.2f} x" if case in before else "")
        rows.append(row)
    drop = ("runs", "rate", "order", "mode", "max", "min", "of copy limit", "events", "verify")
    return output.Table((*headers, "to earlier") if earlier else headers, rows, title="events/s", drop=drop)
