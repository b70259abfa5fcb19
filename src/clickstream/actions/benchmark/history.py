"""The history of benchmarks, a file in the home: one JSON line per benchmark, with machine, versions and commit."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

import clickstream
from clickstream.actions.benchmark.load import Order
from clickstream.actions.benchmark.run import Run
from clickstream.actions.servers import postgres_of
from clickstream.config.paths import Home
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.services.postgres.inspect import ping
from clickstream.stack.lockfile import read_lock


@dataclass(frozen=True, slots=True)
class Record:
    """One benchmark."""

    at: float
    """When it began, Unix seconds."""
    machine: dict[str, Any]
    """`cpu`, `cores`, `memory_bytes`, `system`."""
    versions: dict[str, str]
    """`clickstream`, `commit`, `python`, `kafka`, `postgresql`."""
    runs: tuple[Run, ...]

    def document(self) -> dict[str, Any]:
        """The binding shape of `benchmark --json`."""
        return {
            "machine": self.machine,
            "versions": self.versions,
            "at": self.at,
            "runs": [asdict(one) for one in self.runs],
        }


def append_record(home: Home, record: Record) -> None:
    """Add it to the home's history."""
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps(record.document()) + "\n"
    handle = os.open(_file(home), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(line)


def read_records(home: Home) -> list[Record]:
    """All records, the oldest first; lines that cannot be read (another version's) are left out.

    Raises:
        ClickstreamError: the file cannot be read.
    """
    file = _file(home)
    try:
        return list(_records(file.read_text(encoding="utf-8", errors="replace").splitlines())) if file.exists() else []
    except OSError as error:
        raise ClickstreamError(f"{file} cannot be read: {error.strerror}") from error


def load(path: Path) -> Record:
    """The record in a file that `benchmark --json` wrote.

    Raises:
        UsageError: there is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    found = list(_records([text.replace("\n", " ")])) or list(_records(text.splitlines()))
    if not found:
        raise UsageError(f"{path} holds no benchmark", hint="`clickstream benchmark --json > FILE` makes such a file")
    return found[-1]


def machine() -> dict[str, Any]:
    """This machine, for people who compare."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions(settings: Settings) -> dict[str, str]:
    """What was measured."""
    found = {"clickstream": clickstream.__version__, "commit": _commit(), "python": sys.version.split()[0]}
    if settings.embedded:
        found["kafka"] = read_lock("kafka")[0].version
    with suppress(ClickstreamError):
        found["postgresql"] = ping(postgres_of(settings)).version
    return found


def _file(home: Home) -> Path:
    return home.root / "benchmarks.jsonl"


def _records(lines: list[str]) -> Iterator[Record]:
    for line in lines:
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            record = msgspec.json.decode(line, type=Record)
            if all(one.order in set(Order) for one in record.runs):
                yield record


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the checkout that this package runs from; empty where it is installed otherwise."""
    git = Path(clickstream.__file__).resolve().parents[2] / ".git"
    with suppress(OSError):
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        reference = head.removeprefix("ref: ")
        if reference == head:
            return head[:12]
        if (git / reference).exists():
            return (git / reference).read_text(encoding="utf-8").strip()[:12]
        for line in (git / "packed-refs").read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {reference}"):
                return line[:12]
    return ""
