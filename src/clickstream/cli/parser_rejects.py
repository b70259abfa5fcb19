"""The command line of `rejects`, a branch of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

MODULE = "commands_rejects"

Make = Callable[..., Any]
"""parser.py's own makers of commands and groups."""


def add_rejects(commands: Any, command: Make, group: Make) -> None:
    rejects = group(commands, "rejects", "messages and lines that were no events", "rejects list")
    list_ = command(rejects, "list", f"{MODULE}:list_", "list the newest", "rejects list --reason item_id --limit 20")
    list_.add_argument("--limit", type=_limit, default=100, metavar="N", help="how many at most (default: 100)")
    list_.add_argument("--replayed", action="store_true", help="with the messages that were replayed")
    show = command(rejects, "show", f"{MODULE}:show", "show one whole, made harmless", "rejects show p1@12345")
    show.add_argument("id", metavar="ID", help="as `rejects list` shows it")
    show.add_argument("--raw", action="store_true", help="only the payload, byte by byte, for a file or a pipe")
    replay = command(
        rejects, "replay", f"{MODULE}:replay", "send some again, as they are or mended; what is no event is not sent",
        "rejects replay p1@12345 --with mended.json",
    )  # fmt: skip
    replay.add_argument("--with", dest="with_", metavar="FILE", help="the payload to send instead; - is stdin")
    discard = command(
        rejects, "discard", f"{MODULE}:discard", "remove some for good", "rejects discard --all --source csv -y"
    )
    discard.add_argument("-y", "--yes", action="store_true", help="do not ask")
    for parser in (replay, discard):
        parser.add_argument("ids", nargs="*", metavar="ID", help="as `rejects list` shows them")
        parser.add_argument("--all", action="store_true", help="all instead of some ids")
    for parser in (list_, replay, discard):
        parser.add_argument("--reason", default="", metavar="TEXT", help="only those in whose reason it stands")
        parser.add_argument("--source", default="", choices=("messages", "csv"), help="only from there")


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
