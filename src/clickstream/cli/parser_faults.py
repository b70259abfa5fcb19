"""The command line of `faults`, a branch of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clickstream.cli.arguments import span

MODULE = "commands_faults"

Make = Callable[..., Any]
"""parser.py's own makers of commands and groups."""


def add_faults(commands: Any, command: Make, group: Make) -> None:
    faults = group(commands, "faults", "breaking the embedded stack on purpose", "faults inject kill-consumer")
    command(faults, "list", f"{MODULE}:list_", "list what can be broken, and what should come of it", "faults list")
    inject = command(
        faults, "inject", f"{MODULE}:inject",
        "break something, see it mended, and prove that nothing was lost; exit 1 where it cannot be proved",
        "faults inject cut-postgresql --for 15s",
    )  # fmt: skip
    inject.add_argument("name", metavar="NAME", help="as `faults list` shows it")
    inject.add_argument(
        "--for", dest="seconds", type=span, metavar="10s", help="how long it lasts (default: as `faults list` shows it)"
    )
    inject.add_argument(
        "--on", default="", metavar="PROCESS", help="which consumer, by name (default: the one with the most to do)"
    )
