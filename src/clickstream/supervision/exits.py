"""The words for how a process ended, and whether the kernel killed for want of memory."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from clickstream.domain.harmless import harmless

OUT_OF_MEMORY = "out of memory"


def exit_words(returncode: int, why_killed: str, lines: Sequence[str]) -> str:
    """Such as `exit code 1: last log line`, `killed by SIGKILL` or `killed by SIGKILL (out of memory)`.

    Args:
        returncode: as subprocess has it.
        why_killed: the reason for a SIGKILL if it is known (ours, or OUT_OF_MEMORY), else empty.
        lines: its last log lines, newest last; what of them is told is made harmless.
    """
    if returncode == -signal.SIGKILL:
        return f"killed by SIGKILL ({why_killed})" if why_killed else "killed by SIGKILL"
    words = f"exit code {returncode}" if returncode >= 0 else f"ended by {_signal_name(-returncode)}"
    said = harmless(_last_said(lines))
    return f"{words}: {said}" if said else words


def oom_kills(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How many processes the kernel has killed so far for want of memory: of this control group where there is one,
    else of the machine. None where nobody counts (not Linux)."""
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
