"""The list of running processes on disk, and the end of those whose supervisor died without ending them.

A pid is trusted only together with the start time of its process; a group that has lost its leader only where its
members carry our mark in their environment.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import msgspec
import psutil

from clickstream.config.paths import Home
from clickstream.supervision.process import descendants, still_alive

log = logging.getLogger(__name__)

MARK = "CLICKSTREAM_PROCESS"
"""Environment variable that holds a supervised process's name; its children inherit it."""

POLL = 0.02


class Entry(msgspec.Struct, frozen=True):
    """One running process."""

    name: str
    pid: int
    start: str
    """See start_of."""
    rank: int
    """Lower ones are stopped first."""
    stop_signal: int
    stop_timeout: float


class Ledger:
    """What runs, kept on disk for a successor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[int, Entry] = {}

    def add(self, entry: Entry) -> None:
        self._entries[entry.pid] = entry
        self._write()

    def discard(self, pid: int) -> None:
        if self._entries.pop(pid, None) is not None:
            self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
                file.write(msgspec.json.encode(list(self._entries.values())))
            fresh.replace(self._path)
        except OSError as error:  # a full disk must not end what runs
            log.error("cannot record the running processes in %s: %s", self._path, error)


def start_of(pid: int) -> str | None:
    """When the process with this pid started, as a string to compare; None where there is no such process.

    Unix time will not do on Linux: it is reckoned from the boot time, which moves when the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{stat.rpartition(')')[2].split()[19]}"  # field 22; the name in field 2 may hold anything
    except (FileNotFoundError, ProcessLookupError):
        pass
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def sweep(home: Home) -> None:
    """End what an earlier supervisor of this home left behind, dependants first, by the stop ladder."""
    try:
        entries = msgspec.json.decode(home.processes.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        return
    except (msgspec.MsgspecError, OSError) as error:
        log.error("cannot read %s, so leftovers of an earlier supervisor are not looked for: %s", home.processes, error)
        return
    for _, alike in groupby(sorted(entries, key=lambda entry: entry.rank), key=lambda entry: entry.rank):
        _end(list(alike), home)
    home.processes.unlink(missing_ok=True)


def _end(entries: list[Entry], home: Home) -> None:
    leaders = [(entry, process) for entry in entries if (process := _trusted(entry)) is not None]
    family = [child for _, leader in leaders for child in descendants(leader)]
    for entry, leader in leaders:
        log.warning("stopping %s (pid %d), left behind by an earlier supervisor", entry.name, entry.pid)
        with suppress(psutil.Error):
            leader.send_signal(entry.stop_signal)
    deadline = time.monotonic() + max((entry.stop_timeout for entry, _ in leaders), default=0)
    alive = still_alive([leader for _, leader in leaders])
    while alive and time.monotonic() < deadline:
        time.sleep(POLL)
        alive = still_alive(alive)
    _kill(still_alive([*alive, *family, *_marked({entry.pid: entry.name for entry in entries}, home)]))


def _trusted(entry: Entry) -> psutil.Process | None:
    """The very process that was recorded, if it lives."""
    try:
        process = psutil.Process(entry.pid)
    except psutil.Error:
        return None
    return process if start_of(entry.pid) == entry.start and still_alive([process]) else None


def _marked(names: dict[int, str], home: Home) -> list[psutil.Process]:
    """Members of recorded groups (group to name) that carry the mark of this home: they outlived their leader."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            name = names.get(os.getpgid(process.pid))
            environ = process.environ() if name else {}
            if name and environ.get(MARK) == name and environ.get("CLICKSTREAM_HOME") == str(home.root):
                found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        log.warning("killing pid %d, left behind by an earlier supervisor", process.pid)
        with suppress(psutil.Error):
            process.kill()
    deadline = time.monotonic() + 10
    while still_alive(processes) and time.monotonic() < deadline:
        time.sleep(POLL)
