"""Measures processes: the servers' CPU time between two instants, and the peak memory of a process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from clickstream.config.settings import Settings
from clickstream.domain.processes import Snapshot

SERVERS = ("kafka", "postgresql")


class ServerTimes:
    """CPU seconds of the embedded servers since it was made. Servers elsewhere cannot be measured: nothing of them."""

    def __init__(self, settings: Settings, snapshot: Snapshot) -> None:
        found = {name: snapshot.get(name) for name in SERVERS} if settings.embedded else {}
        self._pids = {name: process.pid for name, process in found.items() if process and process.pid}
        self._before = self._read()

    def elapsed(self) -> dict[str, float]:
        """By server."""
        now = self._read()
        return {name: now[name] - self._before[name] for name in now if name in self._before}

    def _read(self) -> dict[str, float]:
        times = {}
        for name, pid in self._pids.items():
            with suppress(psutil.Error):
                times[name] = _tree(psutil.Process(pid))
        return times


def _tree(process: psutil.Process) -> float:
    """CPU seconds of the process, of its living children, and of those that have ended."""
    own = process.cpu_times()
    total = own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system
    return float(total)


def peak_of(pid: int | None) -> int:
    """The most memory that the process ever had resident (Linux), or has now (elsewhere), in bytes; 0: it is gone."""
    if pid is None:
        return 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
