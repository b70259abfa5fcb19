"""The benchmark command: asks, shows how far it is, and sets the figures side by side."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import TYPE_CHECKING

from clickstream.cli import activity, output
from clickstream.cli.ask import confirmed
from clickstream.cli.commands_demo import Interruption
from clickstream.cli.diagnostics import ExitCode, say

if TYPE_CHECKING:
    from clickstream.actions.benchmark.history import Record
    from clickstream.actions.benchmark.run import Run
    from clickstream.actions.benchmark.series import Options, Summary
    from clickstream.config.settings import Settings


def benchmark(args: Namespace) -> int:
    return _show(args) if args.what == "show" else _run(args)


def _show(args: Namespace) -> int:
    from clickstream.actions.benchmark.history import kept
    from clickstream.config.settings import load_settings

    records = kept(load_settings().home)
    if args.json:
        output.write_json([record.document() for record in records])
    elif not records:
        say("no benchmark was run here yet: `clickstream benchmark` runs one")
    else:
        output.write([block for record in records for block in (_heading(record), _table(record.runs))])
    return ExitCode.DONE


def _run(args: Namespace) -> int:
    from clickstream.actions.benchmark.chart import chart, require
    from clickstream.actions.benchmark.history import load
    from clickstream.actions.benchmark.load import Order
    from clickstream.actions.benchmark.series import Options, cases, check, summaries, sustained_rate
    from clickstream.config.settings import load_settings

    options = Options(args.limit, args.partitions, args.runs, args.mode, Order(args.order), args.rate, args.ramp)
    check(options)
    earlier = load(args.compare) if args.compare else None
    if args.chart:
        require(args.chart)
    settings = load_settings()
    count = len(cases(options)) * options.runs
    what = (
        f"{count} run{'s' if count > 1 else ''} of up to {max(case.events for case in cases(options)):,} events, in a"
        f" topic and a schema of their own, which are removed afterwards. Both cores will be busy."
    )
    if not confirmed(what, yes=args.yes):
        return ExitCode.FAILED
    record = _measured(settings, options, count)
    if args.chart:
        chart(summaries(record.runs), record, args.chart)
        say(f"drawn: {args.chart}")
    if args.json:
        output.write_json(record.document())
    else:
        output.write([_heading(record), _summary(summaries(record.runs), earlier)])
        if options.ramp:
            highest = sustained_rate(record.runs)
            say(
                f"highest rate sustained: {highest:,.0f} events/s"
                if highest
                else "not even the first rate was sustained"
            )
    return ExitCode.DONE if all(run.verified for run in record.runs) else ExitCode.FAILED


def _measured(settings: Settings, options: Options, count: int) -> Record:
    from clickstream.actions.benchmark.series import benchmark

    done = 0

    def tell(run: Run) -> None:
        nonlocal done
        done += 1
        say(f"{done} of {count}: {_words(run)}")

    with Interruption() as interruption:
        return benchmark(settings, options, activity.say, tell, lambda: interruption.asked)


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


def _heading(record: Record) -> output.Line:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.at))
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items() if version)
    memory = record.machine["memory_bytes"] / 2**30
    return output.Line(f"{when}  {record.machine['cores']} cores, {record.machine['cpu']}, {memory:.0f} GB; {versions}")


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
