"""The command line of `metrics`, a branch of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clickstream.cli.arguments import port


def add_metrics(commands: Any, command: Callable[..., Any]) -> None:
    metrics = command(
        commands,
        "metrics",
        "commands_metrics:metrics",
        "serve the figures to Prometheus, in its text format, until a signal ends it",
        "metrics --port 9464",
    )
    ways = metrics.add_mutually_exclusive_group()
    ways.add_argument("--once", action="store_true", help="print them, and serve nothing")
    ways.add_argument(
        "--supervised",
        action="store_true",
        help="have the supervisor of this home serve them; `worker stop metrics` ends that",
    )
    metrics.add_argument("--port", type=port, default=9464, metavar="N", help="where to listen (default: 9464)")
    metrics.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="of this machine; 0.0.0.0 lets everybody in the network read the figures, without a password"
        " (default: 127.0.0.1)",
    )
