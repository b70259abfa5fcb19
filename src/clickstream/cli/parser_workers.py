"""The command line of `consumer`, `producer` and `worker`, branches of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clickstream.cli.arguments import natural, positive, rate, span

MODULE = "commands_workers"

Make = Callable[..., Any]
"""parser.py's own makers of commands and groups."""


def add_workers(commands: Any, command: Make, group: Make) -> None:
    _add_consumer(commands, command, group)
    _add_producer(commands, command, group)
    _add_worker(commands, command, group)


def _add_consumer(commands: Any, command: Make, group: Make) -> None:
    consumer = group(commands, "consumer", "the consumers, one process each", "consumer start")
    start = command(consumer, "start", f"{MODULE}:consumer_start", "start consumers", "consumer start --count 2")
    start.add_argument(
        "--count", type=positive, metavar="N", help="how many (default: one a partition, and one indexer)"
    )
    start.add_argument(
        "--accept-gap", action="store_true", help="go on where Kafka has removed unread messages; records the gap"
    )
    stop = command(consumer, "stop", f"{MODULE}:consumer_stop", "stop consumers", "consumer stop consumer-0")
    restart = _restart(consumer, command)
    scale = command(
        consumer, "scale", f"{MODULE}:consumer_scale", "have so many run: start more, or stop some", "consumer scale 3"
    )
    scale.add_argument("count", type=int, metavar="N", help="how many, from 0 to one a partition")
    rewind = command(
        consumer,
        "rewind",
        "commands_rewind:consumer_rewind",
        "have consumers go on from another offset: read messages again, or skip them",
        "consumer rewind --to earliest",
    )
    rewind.add_argument(
        "--to",
        required=True,
        metavar="PLACE",
        help="earliest, latest, an offset (1500; with --partition), a time of sending (2026-11-25T08:30, in UTC unless"
        " it names a zone), or Unix milliseconds (1430622004384ms)",
    )
    rewind.add_argument("--partition", type=natural, metavar="N", help="only this one (default: all)")
    rewind.add_argument("-y", "--yes", action="store_true", help="do not ask, where messages are skipped")
    listed = command(consumer, "list", f"{MODULE}:consumer_list", "list consumers", "consumer list --json")
    logs = _logs(consumer, command, f"{MODULE}:consumer_logs", "consumer logs -f")
    for parser in (stop, restart, logs):
        parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    _type_option(start, stop, restart, listed, logs)


def _type_option(*parsers: argparse.ArgumentParser) -> None:
    for parser in parsers:
        parser.add_argument(
            "--type",
            choices=("postgresql", "opensearch"),
            help="only those that fill this store (default: both, where OPENSEARCH_ENABLED is true)",
        )


def _restart(consumer: Any, command: Make) -> Any:
    restart = command(
        consumer,
        "restart",
        f"{MODULE}:consumer_restart",
        "restart consumers one after the other, the next one when the one before has caught up",
        "consumer restart",
    )
    restart.add_argument("--all-at-once", action="store_true", help="restart all together: nothing is stored meanwhile")
    return restart


def _add_producer(commands: Any, command: Make, group: Make) -> None:
    producer = group(commands, "producer", "the producer", "producer start --limit 100000")
    start = command(
        producer,
        "start",
        f"{MODULE}:producer_start",
        "send the file's events to Kafka",
        "producer start --rate 500",
    )
    _producer_options(start)
    start.add_argument(
        "--realtime", nargs="?", const="1x", metavar="5x", help="as the events happened, that many times as fast"
    )
    command(
        producer, "pause", f"{MODULE}:producer_pause", "have it send nothing until it is resumed",
        "producer pause",
    )  # fmt: skip
    command(producer, "resume", f"{MODULE}:producer_resume", "have it go on", "producer resume")
    pace = command(
        producer, "pace", f"{MODULE}:producer_pace", "change how fast it sends, while it runs",
        "producer pace --rate 2000",
    )  # fmt: skip
    faster = pace.add_mutually_exclusive_group(required=True)
    faster.add_argument("--rate", type=rate, metavar="N", help="events a second, evenly")
    faster.add_argument(
        "--realtime", nargs="?", const="1x", metavar="5x", help="as the events happened, that many times as fast"
    )
    faster.add_argument("--full", action="store_true", help="as fast as Kafka takes them")
    command(producer, "stop", f"{MODULE}:producer_stop", "stop the producer", "producer stop")
    command(producer, "status", f"{MODULE}:producer_status", "show how far it is", "producer status --json")
    _logs(producer, command, f"{MODULE}:producer_logs", "producer logs -f")


def _producer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, metavar="F", help="CSV, .gz or .zst (default: PRODUCER_DATA_FILE)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N events by time")
    parser.add_argument("--rate", type=rate, metavar="N", help="events a second, evenly")


def _logs(commands: Any, command: Make, handler: str, example: str) -> Any:
    logs = command(commands, "logs", handler, "show what was logged", example)
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl+C; with --json a line each")
    logs.add_argument("-n", "--lines", type=positive, default=50, metavar="N", help="the last N lines (default: 50)")
    return logs


def _add_worker(commands: Any, command: Make, group: Make) -> None:
    worker = group(commands, "worker", "single processes of this home, servers too", "worker restart consumer-0")
    for name, help_, example in (
        ("stop", "stop it; what it has begun is finished", "worker stop consumer-1"),
        ("restart", "stop it and start it again as it was started", "worker restart valkey"),
        ("kill", "end it with SIGKILL, as a crash would; it is started again", "worker kill consumer-0"),
        ("freeze", "have it hang, as on a machine that swaps", "worker freeze postgresql"),
        ("thaw", "let what hangs go on", "worker thaw postgresql"),
    ):
        parser = command(worker, name, f"commands_processes:{name}", help_, example)
        parser.add_argument("name", metavar="NAME", help="as `clickstream status` and `stack status` list it")
    _add_roles(worker)
    _add_health(worker, command)


def _add_roles(worker: Any) -> None:
    """One worker in the foreground; with --report, what the supervisor starts."""
    for role, words, example in (
        ("consumer", "be one consumer, until a signal ends it", "worker consumer --log-json"),
        ("indexer", "be one indexer, until a signal ends it", "worker indexer --log-json"),
        ("producer", "be the producer, until all is sent", "worker producer --file data/events.csv --rate 500"),
    ):
        parser = _role_command(worker, role, words, example)
        parser.add_argument("--name", metavar="N", help="in logs and lists (default: the role, the host and the pid)")
        if role == "producer":
            _producer_options(parser)
            parser.add_argument(
                "--realtime",
                nargs="?",
                const="1x",
                metavar="5x",
                help="as the events happened, that many times as fast",
            )
        else:
            parser.add_argument(
                "--accept-gap",
                action="store_true",
                help="go on where Kafka has removed unread messages; records the gap",
            )
        parser.add_argument("--log-json", action="store_true", help="log lines of JSON")
        parser.add_argument(
            "--health-file", type=Path, metavar="F", help="a file to renew every second; see worker health"
        )
        parser.add_argument("--report", action="store_true", help=argparse.SUPPRESS)
        parser.set_defaults(handler=f"{MODULE}:worker", command=f"worker {role}", doing=words, role=role)


def _add_health(worker: Any, command: Make) -> None:
    health = command(
        worker,
        "health",
        f"{MODULE}:worker_health",
        "say whether a worker in the foreground is alive, by its health file; exit 1 if not",
        "worker health --health-file /tmp/health --within 30s",
    )
    health.add_argument("--health-file", type=Path, required=True, metavar="F", help="the file that it was given")
    health.add_argument(
        "--within", type=span, default=30.0, metavar="30s", help="how old the file may be (default: 30s)"
    )
    health.add_argument(
        "--ready", action="store_true", help="exit 1 also while it starts, stops, or waits for a server"
    )


def _role_command(worker: Any, role: str, words: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = worker.add_parser(
        role,
        help=words,
        description=f"{words[0].upper()}{words[1:]}: in the foreground, without a supervisor, as in a container."
        "\nSettings come from the environment, the log goes to stdout; SIGTERM and SIGINT let it finish what it began.",
        epilog=f"example:\n  clickstream {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser
