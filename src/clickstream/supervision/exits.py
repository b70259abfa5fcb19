"""The words for how a process ended."""

from __future__ import annotations

import signal
from collections.abc import Sequence


def exit_words(returncode: int, why_killed: str, lines: Sequence[str]) -> str:
    """Such as `exit code 1: last log line` or `killed by SIGKILL (out of memory?)`.

    Args:
        returncode: as subprocess has it.
        why_killed: our own reason if it was we who sent SIGKILL, else empty.
        lines: its last log lines, newest last.
    """
    if returncode == -signal.SIGKILL:
        return f"killed by SIGKILL ({why_killed or 'out of memory?'})"
    words = f"exit code {returncode}" if returncode >= 0 else f"ended by {_signal_name(-returncode)}"
    said = _last_said(lines)
    return f"{words}: {said}" if said else words


def _last_said(lines: Sequence[str]) -> str:
    """The last line that stands at the margin: indented ones are the tail of a stack trace, not what went wrong."""
    spoken = [line for line in lines if line.strip()]
    flush = [line for line in spoken if not line[0].isspace()]
    return (flush or spoken or [""])[-1].strip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
