"""Whether a worker in the foreground is well, by its health file: pipeline/process/foreground.py says what that means.

A probe asks every few seconds: nothing is loaded that the file does not need.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clickstream.pipeline.process.foreground import UNREADY, read_health


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """What a probe is told."""

    ok: bool
    """The file was renewed within the time, and where that was asked, the worker is ready."""
    ready: bool
    """It works, or would if there were something to do: its servers answer."""
    state: str
    detail: str
    age_seconds: float
    """Since the file was renewed."""


def health(file: Path, *, within: float, ready: bool = False) -> WorkerHealth:
    """What the file says now.

    Args:
        file: the worker's health file.
        within: seconds within which it must have been renewed.
        ready: the worker must be ready too, not only alive.

    Raises:
        ClickstreamError: there is no such file, or it cannot be read.
    """
    found, age = read_health(file)
    alive = age <= within
    is_ready = alive and found.state not in UNREADY
    return WorkerHealth(is_ready if ready else alive, is_ready, found.state, found.detail, round(age, 1))
