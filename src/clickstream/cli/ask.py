"""Asking before something is deleted for good."""

from __future__ import annotations

import sys
from typing import Final

import click

from clickstream.cli import activity
from clickstream.cli.diagnostics import print_message

YES: Final = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def confirmed(what: str, *, yes: bool, does: str = "deletes data", undone: str = "deleted", flag: str = "-y") -> bool:
    """Whether to go on: `yes`, which `flag` sets, or the user said so. `does` and `undone` name what is refused.

    Raises:
        UsageError: there is no terminal to ask on, and no `yes`.
    """
    from clickstream.domain.errors import UsageError

    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"this {does} for good and there is no terminal to ask on", hint=f"{flag} goes on unasked")
    activity.end()
    print_message(what)
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        activity.again()
        return True
    print_message(f"nothing was {undone}")
    return False
