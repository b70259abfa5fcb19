"""Describes how a process ended, and finds out whether the kernel killed for lack of memory."""

from __future__ import annotations

import re
import resource
import signal
from collections.abc import Sequence
from pathlib import Path

from clickstream.domain.escapes import escape_controls
from clickstream.supervision.logs import is_frame

OUT_OF_MEMORY = "out of memory"

CAUSED_BY = "Caused by: "

FEW_FILES, MANY_FILES = 128, 10240
"""Open files with which no server starts, and with which all do."""

GOODBYE = 3
"""Lines that a server may write after the one that says what went wrong."""

_FATAL = re.compile(r"\b(FATAL|PANIC):")

_TOO_MANY_FILES = re.compile("too many open files|insufficient file descriptors|open file limit", re.IGNORECASE)


def exit_words(returncode: int, why_killed: str, lines: Sequence[str]) -> str:
    """Such as `exit code 1: last log line`, `killed by SIGKILL` or `killed by SIGKILL (out of memory)`.

    Args:
        returncode: as subprocess has it.
        why_killed: the reason for a SIGKILL if it is known (ours, or OUT_OF_MEMORY), else empty.
        lines: its last log lines, newest last; what of them is told has its controls escaped.
    """
    words, cure = _ended(returncode, why_killed), _few_files(lines) if returncode > 0 else ""
    if returncode == -signal.SIGKILL:
        return words
    told = _said(lines)
    fatal = [line for line in told[-GOODBYE:] if _FATAL.search(line)]
    said = escape_controls((fatal or told or [""])[-1])
    return f"{words}{f': {said}' if said else ''}{f' ({cure})' if cure else ''}"


def step_words(returncode: int, why_killed: str, lines: Sequence[str]) -> str:
    """As `exit_words`, of a step of a set-up, which goes on for some lines after what went wrong."""
    told = _said(lines)
    first = next((number for number, line in enumerate(told) if _FATAL.search(line)), len(told) - GOODBYE)
    words = [_ended(returncode, why_killed), *map(escape_controls, told[max(0, first) :][:GOODBYE])]
    return " / ".join([*words, cure] if (cure := _few_files(lines)) and returncode > 0 else words)


def _ended(returncode: int, why_killed: str) -> str:
    if returncode == -signal.SIGKILL:
        return f"killed by SIGKILL ({why_killed})" if why_killed else "killed by SIGKILL"
    return f"exit code {returncode}" if returncode >= 0 else f"ended by {_signal_name(-returncode)}"


def oom_kills(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How many processes the kernel has killed so far for want of memory: of this control group if there is one, else
    of the machine. None if the system does not count them (not Linux)."""
    own = re.search(r"^0::/(.*)$", _text(proc / "self" / "cgroup"), re.MULTILINE)
    for file in (*((cgroups / own[1] / "memory.events",) if own else ()), proc / "vmstat"):
        if found := re.search(r"^oom_kill (\d+)$", _text(file), re.MULTILINE):
            return int(found[1])
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _said(lines: Sequence[str]) -> list[str]:
    """The sentences at the margin. Of a stack trace that is its first line, with the last of its causes."""
    told: list[str] = []
    head = ""
    for line in lines:
        if line.startswith(CAUSED_BY):
            cause = line.strip()
            if told:
                told.pop()
            told.append(f"{head}; {cause[0].lower()}{cause[1:]}" if head else cause.removeprefix(CAUSED_BY))
        elif line.strip() and not line[0].isspace():
            head = line.strip()
            told.append(head)
    return told or [line.strip() for line in lines if line.strip() and not is_frame(line.encode())]


def _few_files(lines: Sequence[str]) -> str:
    """Where too few files may be open at once: Java calls it a class that is missing, with the same cure."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < limit < FEW_FILES or any(_TOO_MANY_FILES.search(line) for line in lines):
        return f"only {limit:,} files may be open at once: `ulimit -n {MANY_FILES}` in the shell that starts it"
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
