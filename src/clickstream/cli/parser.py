"""The command line as a tree. Imports no action, no driver, nothing slow: handlers are imported when chosen."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from clickstream import __version__
from clickstream.cli.diagnostics import ExitCode, guarded

Subparsers = Any
"""argparse's own type for it is private."""

Handler = Callable[[argparse.Namespace], int]


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the process's exit code."""
    return guarded(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: Sequence[str]) -> int:
    parser = build()
    if not argv:
        parser.print_help()
        return ExitCode.DONE
    args = parser.parse_args(argv)
    module, _, function = args.handler.partition(":")
    handler = cast("Handler", getattr(importlib.import_module(f"clickstream.cli.{module}"), function))
    return handler(args)


def build() -> argparse.ArgumentParser:
    """The whole tree."""
    parser = argparse.ArgumentParser(
        prog="clickstream",
        description="Shop events from a CSV file through Kafka into PostgreSQL, exactly once, with exact sessions.",
        epilog="example:\n  clickstream demo --limit 100000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"clickstream {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    _add_demo(commands)
    _add_stack(commands)
    _add_reading(commands)
    _add_consumer(commands)
    _add_producer(commands)
    _add_data(commands)
    _add_config(commands)
    _add_worker(commands)
    return parser


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
    parser.set_defaults(handler=handler)
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
    demo.add_argument("--limit", type=_positive, metavar="N", help="only the first N events by time")
    demo.add_argument("--headless", action="store_true", help="no live display: a line now and then")
    demo.add_argument("--fresh", action="store_true", help="empty topic, tables and cache of the embedded stack first")


def _add_stack(commands: Subparsers) -> None:
    stack = _group(commands, "stack", "the embedded servers", "stack up")
    _command(stack, "up", "commands_stack:up", "start Kafka, PostgreSQL and Valkey", "stack up")
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
    lag.add_argument("--watch", action="store_true", help="once a second, until Ctrl+C; with --json a line each")
    _command(commands, "analytics", "commands_read:analytics", "show the funnel and the top items", "analytics --json")
    sessions = _group(commands, "sessions", "stored sessions", "sessions show 257597")
    show = _command(
        sessions,
        "show",
        "commands_read:sessions_show",
        "show one visitor's sessions and events",
        "sessions show 257597",
    )
    show.add_argument("visitor", type=int, metavar="VISITOR", help="visitor id")
    _command(
        commands, "verify", "commands_read:verify", "recompute all sessions in SQL and compare; exit 1 if any differs",
        "verify",
    )  # fmt: skip
    topic = _group(commands, "topic", "the events topic", "topic show")
    _command(topic, "show", "commands_read:topic_show", "show the topic's partitions and offsets", "topic show")


def _add_consumer(commands: Subparsers) -> None:
    consumer = _group(commands, "consumer", "the consumers, one process each", "consumer start")
    start = _command(
        consumer, "start", "commands_workers:consumer_start", "start consumers", "consumer start --count 2"
    )
    start.add_argument("--count", type=_positive, metavar="N", help="how many (default: one a partition)")
    start.add_argument(
        "--accept-gap", action="store_true", help="go on where Kafka has removed unread messages; records the gap"
    )
    stop = _command(consumer, "stop", "commands_workers:consumer_stop", "stop consumers", "consumer stop consumer-0")
    restart = _command(
        consumer, "restart", "commands_workers:consumer_restart", "restart consumers", "consumer restart"
    )
    for parser in (stop, restart):
        parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    _command(consumer, "list", "commands_workers:consumer_list", "list consumers", "consumer list --json")
    logs = _logs(consumer, "commands_workers:consumer_logs", "consumer logs -f")
    logs.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")


def _add_producer(commands: Subparsers) -> None:
    producer = _group(commands, "producer", "the producer", "producer start --limit 100000")
    start = _command(
        producer,
        "start",
        "commands_workers:producer_start",
        "send the file's events to Kafka",
        "producer start --rate 500",
    )
    _producer_options(start)
    start.add_argument(
        "--realtime", nargs="?", const="1x", metavar="5x", help="as the events happened, that many times as fast"
    )
    _command(
        producer, "pause", "commands_workers:producer_pause", "have it send nothing until it is resumed",
        "producer pause",
    )  # fmt: skip
    _command(producer, "resume", "commands_workers:producer_resume", "have it go on", "producer resume")
    pace = _command(
        producer, "pace", "commands_workers:producer_pace", "change how fast it sends, while it runs",
        "producer pace --rate 2000",
    )  # fmt: skip
    faster = pace.add_mutually_exclusive_group(required=True)
    faster.add_argument("--rate", type=_rate, metavar="N", help="events a second, evenly")
    faster.add_argument(
        "--realtime", nargs="?", const="1x", metavar="5x", help="as the events happened, that many times as fast"
    )
    faster.add_argument("--full", action="store_true", help="as fast as Kafka takes them")
    _command(producer, "stop", "commands_workers:producer_stop", "stop the producer", "producer stop")
    _command(producer, "status", "commands_workers:producer_status", "show how far it is", "producer status --json")
    _logs(producer, "commands_workers:producer_logs", "producer logs -f")


def _producer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, metavar="F", help="CSV, .gz or .zst (default: PRODUCER_DATA_FILE)")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N events by time")
    parser.add_argument("--rate", type=_rate, metavar="N", help="events a second, evenly")


def _logs(commands: Subparsers, handler: str, example: str) -> argparse.ArgumentParser:
    logs = _command(commands, "logs", handler, "show what was logged", example)
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl+C; with --json a line each")
    logs.add_argument("-n", "--lines", type=_positive, default=50, metavar="N", help="the last N lines (default: 50)")
    return logs


def _add_data(commands: Subparsers) -> None:
    data = _group(commands, "data", "the data file, and what was stored", "data info")
    generate = _command(data, "generate", "commands_data:generate", "make a data file", "data generate --seed 7")
    generate.add_argument("--file", type=Path, metavar="F", help="where (default: PRODUCER_DATA_FILE)")
    generate.add_argument("--seed", type=int, default=42, metavar="N", help="same seed, same file (default: 42)")
    generate.add_argument("--force", action="store_true", help="replace a file that is there")
    info = _command(data, "info", "commands_data:info", "describe a data file", "data info --file data/sample.csv")
    info.add_argument("--file", type=Path, metavar="F", help="which (default: PRODUCER_DATA_FILE)")
    reset = _command(data, "reset", "commands_data:reset", "empty topic, tables and cache", "data reset -y")
    reset.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _add_config(commands: Subparsers) -> None:
    config = _group(commands, "config", "the settings", "config check")
    _command(config, "show", "commands_config:show", "show every setting and where it comes from", "config show")
    _command(config, "check", "commands_config:check", "try everything; say what is wrong and the cure", "config check")


def _add_worker(commands: Subparsers) -> None:
    """What the supervisor starts; without help text it is not listed."""
    worker = commands.add_parser("worker").add_subparsers(required=True)
    consumer = worker.add_parser("consumer")
    consumer.add_argument("--name", default="consumer-0")
    consumer.add_argument("--accept-gap", action="store_true")
    producer = worker.add_parser("producer")
    _producer_options(producer)
    producer.add_argument("--realtime", type=float)
    for role, parser in (("consumer", consumer), ("producer", producer)):
        parser.add_argument("--report", action="store_true")
        parser.set_defaults(handler="commands_workers:worker", role=role)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events a second above 0")
    return rate
