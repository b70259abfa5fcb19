"""The command line as a tree. Imports no action, no driver, nothing slow: handlers are imported when chosen."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

from clickstream import __version__
from clickstream.cli import activity, interruption
from clickstream.cli.arguments import port, positive, span
from clickstream.cli.diagnostics import ExitCode, guarded
from clickstream.cli.parser_benchmark import add_benchmark
from clickstream.cli.parser_faults import add_faults
from clickstream.cli.parser_metrics import add_metrics
from clickstream.cli.parser_opensearch import add_opensearch
from clickstream.cli.parser_rejects import add_rejects
from clickstream.cli.parser_workers import add_workers
from clickstream.domain.errors import Interrupted

Subparsers = Any
"""argparse's own type for it is private."""

Handler = Callable[[argparse.Namespace], int]

UNTIL_INTERRUPTED = (
    *("demo", "watch", "metrics", "serve"),
    *("worker consumer", "worker indexer", "worker producer"),
)
"""Commands that show for themselves what they do."""


def run(
    argv: Sequence[str] | None = None, *, serve: Callable[[int, bool, Callable[[str], None]], int] | None = None
) -> int:
    """Run the command line; the process's exit code. `serve`: what the command of that name needs; see its module."""
    return guarded(lambda: _run(sys.argv[1:] if argv is None else argv, argparse.Namespace(start_server=serve)))


def _run(argv: Sequence[str], given: argparse.Namespace) -> int:
    parser = build(argv[0] if argv else "")
    if not argv:
        parser.print_help()
        return ExitCode.DONE
    args = parser.parse_args(argv, given)
    module, _, function = args.handler.partition(":")
    try:
        with activity.shown(args.doing) if args.command not in UNTIL_INTERRUPTED else nullcontext():
            handler = cast("Handler", getattr(importlib.import_module(f"clickstream.cli.{module}"), function))
            return handler(args)
    except (KeyboardInterrupt, Interrupted):
        interruption.tell(args.command)
        return ExitCode.INTERRUPTED


def build(command: str = "") -> argparse.ArgumentParser:
    """The whole tree; for a `command` that there is no more than what it needs, in a fifth of the time."""
    parser = argparse.ArgumentParser(
        prog="clickstream",
        description="Shop events from a CSV file through Kafka into PostgreSQL, exactly once, with exact sessions.",
        epilog="example:\n  clickstream demo --limit 100000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--read-only", action="store_true", help="without a command: the dashboard, without keys that change anything"
    )
    parser.add_argument("--version", action="version", version=f"clickstream {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    branches = _branches()
    chosen = [add for names, add in branches.items() if command in names.split()]
    for add in chosen or branches.values():
        add(commands)
    return parser


def _branches() -> dict[str, Callable[[Subparsers], None]]:
    """The names of commands and what adds them, in the order of the help."""
    return {
        "demo": _add_demo,
        "stack": _add_stack,
        "status lag watch analytics sessions verify topic": _add_reading,
        "rejects": lambda commands: add_rejects(commands, _command, _group),
        "benchmark": lambda commands: add_benchmark(commands, _command),
        "faults": lambda commands: add_faults(commands, _command, _group),
        "opensearch": lambda commands: add_opensearch(commands, _command, _group),
        "producer consumer worker": lambda commands: add_workers(commands, _command, _group),
        "data": _add_data,
        "config": _add_config,
        "serve": _add_serve,
        "metrics": lambda commands: add_metrics(commands, _command),
    }


def _command(commands: Subparsers, name: str, handler: str, help_: str, example: str) -> argparse.ArgumentParser:
    """A command that does something, with --json."""
    parser = commands.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.",
        epilog=f"example:\n  clickstream {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(handler=handler, command=parser.prog.removeprefix("clickstream "), doing=help_)
    return cast("argparse.ArgumentParser", parser)


def _group(commands: Subparsers, name: str, help_: str, example: str) -> Subparsers:
    """A command that only holds others."""
    parser = commands.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.",
        epilog=f"example:\n  clickstream {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.add_subparsers(metavar="COMMAND", required=True, title="commands")


def _add_demo(commands: Subparsers) -> None:
    demo = _command(
        commands, "demo", "commands_demo:demo", "run the whole pipeline and show it", "demo --limit 100000 --headless"
    )
    demo.add_argument("--limit", type=positive, metavar="N", help="only the first N events by time")
    demo.add_argument("--headless", action="store_true", help="no dashboard: a line now and then")
    demo.add_argument("--fresh", action="store_true", help="empty the embedded topic, tables, cache and index first")


def _add_stack(commands: Subparsers) -> None:
    stack = _group(commands, "stack", "the embedded servers", "stack up")
    up = _command(
        stack, "up", "commands_stack:up", "start Kafka, PostgreSQL and Valkey, and OpenSearch where it is wanted",
        "stack up --opensearch",
    )  # fmt: skip
    up.add_argument(
        "--opensearch",
        action=argparse.BooleanOptionalAction,
        help="with OpenSearch, or without it any more (its data stays); where neither is given, as OPENSEARCH_ENABLED"
        " says, and where that is not set, as it was the last time; at first without",
    )
    _command(stack, "down", "commands_stack:down", "stop them, workers first; all data stays", "stack down")
    _command(stack, "status", "commands_stack:status", "show how the servers stand", "stack status --json")
    _command(stack, "env", "commands_stack:env", "print KEY=value lines for other tools, secrets included", "stack env")
    reset = _command(stack, "reset", "commands_stack:reset", "remove the servers' data for good", "stack reset -y")
    reset.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _add_reading(commands: Subparsers) -> None:
    status = _command(
        commands, "status", "commands_read:status", "show services, workers, topic, lag and counts", "status --watch"
    )
    status.add_argument("--watch", action="store_true", help="once a second, until Ctrl+C; with --json a line each")
    lag = _command(commands, "lag", "commands_read:lag", "show how far behind each partition is", "lag --watch")
    _lag_options(lag)
    _command(
        commands, "watch", "commands_watch:watch", "go on saying what happens; with --json every figure",
        "watch --json",
    )  # fmt: skip
    figures = _command(
        commands, "analytics", "commands_read:analytics", "show the funnel and the top items", "analytics --json"
    )
    figures.add_argument(
        "--detail",
        action="store_true",
        help="also sessions by day and by hour, and how many (visitor, item) pairs went from view to cart to purchase,"
        " with the median time between; a pass over all events",
    )
    sessions = _group(commands, "sessions", "stored sessions", "sessions show 257597")
    show = _command(
        sessions,
        "show",
        "commands_read:sessions_show",
        "show one visitor's sessions and events",
        "sessions show 257597",
    )
    show.add_argument("visitor", type=int, metavar="VISITOR", help="visitor id")
    _add_verify(commands)
    topic = _group(commands, "topic", "the events topic", "topic show")
    _command(topic, "show", "commands_read:topic_show", "show the topic's partitions and offsets", "topic show")
    resize = _command(
        topic, "resize", "commands_rewind:topic_resize", "give the topic more partitions", "topic resize 6"
    )
    resize.add_argument("partitions", type=positive, metavar="N", help="how many in all; Kafka cannot take any away")


def _add_verify(commands: Subparsers) -> None:
    verify = _command(
        commands, "verify", "commands_read:verify", "recompute all sessions in SQL and compare; exit 1 if any differs",
        "verify",
    )  # fmt: skip
    verify.add_argument(
        "--opensearch", action="store_true", help="hold the index against PostgreSQL, too: every event, and no other"
    )


def _lag_options(lag: argparse.ArgumentParser) -> None:
    ways = lag.add_mutually_exclusive_group()
    ways.add_argument("--watch", action="store_true", help="once a second, until Ctrl+C; with --json a line each")
    ways.add_argument(
        "--report",
        action="store_true",
        help="once, after watching for four seconds: seconds behind and share of the load too, and what holds each"
        " consumer up. idle, fetch, decode, sessions and waits are shares of the time of the thread that prepares"
        " batches and make 100 %%; PostgreSQL is the share of the time that the thread beside it was committing",
    )
    ways.add_argument(
        "--history",
        action="store_true",
        help="over the last minutes, whether anybody watched or not: how far each partition reached comes from Kafka's"
        " record timestamps, how far it was stored from what the consumers note in Valkey every five seconds",
    )
    lag.add_argument(
        "--window",
        type=span,
        metavar="5m",
        help="how far --history reaches back, at most 2h (default: 5m)",
    )


def _add_data(commands: Subparsers) -> None:
    data = _group(commands, "data", "the data file, and what was stored", "data info")
    generate = _command(data, "generate", "commands_data:generate", "make a data file", "data generate --seed 7")
    generate.add_argument("--file", type=Path, metavar="F", help="where (default: PRODUCER_DATA_FILE)")
    generate.add_argument("--seed", type=int, default=42, metavar="N", help="same seed, same file (default: 42)")
    generate.add_argument("--force", action="store_true", help="replace a file that is there")
    info = _command(data, "info", "commands_data:info", "describe a data file", "data info --file data/sample.csv")
    info.add_argument("--file", type=Path, metavar="F", help="which (default: PRODUCER_DATA_FILE)")
    reset = _command(data, "reset", "commands_data:reset", "empty topic, tables, cache and index", "data reset -y")
    reset.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _add_config(commands: Subparsers) -> None:
    config = _group(commands, "config", "the settings", "config check")
    _command(config, "show", "commands_config:show", "show every setting and where it comes from", "config show")
    _command(config, "check", "commands_config:check", "try everything; say what is wrong and the cure", "config check")
    generate = _command(
        config,
        "generate",
        "commands_config:generate",
        "write .env and certs/ for the servers that Terraform made",
        "config generate --terraform-dir terraform",
    )
    generate.add_argument("-f", "--force", action="store_true", help="replace files that are there, without asking")
    generate.add_argument(
        "--terraform-dir",
        type=Path,
        default=Path("terraform"),
        metavar="D",
        help="where terraform was run (default: terraform)",
    )
    generate.add_argument(
        "--output",
        type=Path,
        default=Path(".env"),
        metavar="F",
        help="file to write; the certificates go to certs/ beside it (default: .env)",
    )


def _add_serve(commands: Subparsers) -> None:
    serve = _command(
        commands,
        "serve",
        "commands_serve:serve",
        "show the dashboard in a browser on this machine",
        "serve --port 8000",
    )
    serve.add_argument("--port", type=port, default=0, metavar="N", help="where to listen (default: any free port)")
    serve.add_argument("--read-only", action="store_true", help="offer nothing that changes something")
