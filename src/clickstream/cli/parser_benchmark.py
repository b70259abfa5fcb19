"""The command line of `benchmark`, a branch of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clickstream.cli.arguments import positive, rate

MODULE = "commands_benchmark"

Make = Callable[..., Any]
"""parser.py's own maker of commands."""


def add_benchmark(commands: Any, command: Make) -> None:
    parser = command(
        commands, "benchmark", f"{MODULE}:benchmark",
        "measure how fast events are stored, beside what PostgreSQL alone could take; `benchmark show` lists the past",
        "benchmark --limit 1000000 --partitions 1,3 --runs 3",
    )  # fmt: skip
    parser.add_argument("what", nargs="?", choices=["run", "show"], default="run", help="run (the default), or show")
    parser.add_argument(
        "--limit", type=counts, default=(1_000_000,), metavar="N[,N...]", help="events a run (default: 1000000)"
    )
    parser.add_argument(
        "--partitions", type=counts, default=(1, 2, 3), metavar="N[,N...]",
        help="partitions, with a consumer each (default: 1,2,3)",
    )  # fmt: skip
    parser.add_argument("--runs", type=positive, default=1, metavar="R", help="how often each; in turns (default: 1)")
    parser.add_argument(
        "--mode", choices=["drain", "live"], default="drain",
        help="drain: all is in Kafka before the consumers start; live: the producer works beside them",
    )  # fmt: skip
    parser.add_argument(
        "--order", choices=["sorted", "late", "random"], default="sorted",
        help="drain: how the events lie in Kafka; late: 5 %% late and 1 %% twice (default: sorted)",
    )  # fmt: skip
    parser.add_argument("--rate", type=rate, metavar="N", help="live: events a second (default: all that it can)")
    parser.add_argument(
        "--ramp", type=ramp, metavar="START:END:STEP",
        help="live runs of ten seconds, a rate each, until the consumers fall behind",
    )  # fmt: skip
    parser.add_argument("--chart", type=picture, metavar="FILE", help="draw the medians as bars (.svg or .png)")
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="set beside what an earlier `benchmark --json` wrote to a file"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def counts(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


def ramp(text: str) -> tuple[int, int, int]:
    parts = text.split(":")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not START:END:STEP, such as 20000:200000:20000")
    start, end, step = map(positive, parts)
    return start, end, step


def picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in {".svg", ".png"}:
        raise argparse.ArgumentTypeError(f"{text!r} must end in .svg or .png")
    return path
