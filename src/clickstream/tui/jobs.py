"""Runs commands in threads: reports their progress, cancels them, and describes how they ended. Touches no widget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from textual.message import Message

from clickstream.domain.errors import ClickstreamError, Interrupted

if TYPE_CHECKING:
    from clickstream.config.settings import Settings
    from clickstream.tui.feed import FrameSource

MOVED_EVERY = 0.2
"""Seconds between two reports of how far a job is."""


class Runnable(Protocol):
    """What a job needs of its command (commands.py)."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def run(self) -> Callable[[Job], str] | None: ...

    @property
    def cancellable(self) -> bool: ...


@dataclass(slots=True)
class Job:
    """One run of a command. Its fields are written by its own thread and read by the app."""

    command: Runnable
    source: FrameSource
    arguments: Mapping[str, Any]
    post: Callable[[Message], object]
    began: float = field(default_factory=time.monotonic)
    words: str = ""
    done: int = 0
    total: int = 0
    """Of `done`; 0: nothing to measure."""
    found: Any = None
    """What it has so far, for a screen that shows it."""
    outcome: str = ""
    """How it ended, in a sentence."""
    failed: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _interrupted: bool = False
    _moved: float = 0.0

    @property
    def settings(self) -> Settings:
        return self.source.settings

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Have it end at its next word."""
        self._cancelled.set()

    def report(self, words: str, done: int = 0, total: int = 0) -> None:
        """From the command: how far it is. Raises Interrupted once the user has cancelled it: once only, since what
        is said after that is about putting things in order."""
        if self.cancelled and not self._interrupted:
            self._interrupted = True
            raise Interrupted(f"{self.command.name} was cancelled")
        now = time.monotonic()
        changed = words != self.words
        self.words, self.done, self.total = words, done, total
        if changed or now - self._moved >= MOVED_EVERY:
            self._moved = now
            self.post(JobMoved(self))


class JobMoved(Message):
    """A job has said how far it is."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, JobMoved) and message.job is self.job


class JobEnded(Message):
    """A job is over: done, failed or cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class Jobs:
    """What is running. Used by the app, on its own thread."""

    def __init__(self, source: FrameSource, post: Callable[[Message], object]) -> None:
        self._source = source
        self._post = post
        self._running: dict[str, Job] = {}

    @property
    def newest(self) -> Job | None:
        return next(reversed(self._running.values()), None)

    def start(self, command: Runnable, arguments: Mapping[str, Any]) -> Job | None:
        """Run it; None where it is running already."""
        if command.name in self._running:
            return None
        job = Job(command, self._source, arguments, self._post, words=command.summary)
        self._running[command.name] = job
        threading.Thread(target=self._run, args=(job,), name=f"job-{command.name}", daemon=True).start()
        return job

    def ended(self, job: Job) -> None:
        """Forget it."""
        self._running.pop(job.command.name, None)

    def _run(self, job: Job) -> None:
        try:
            assert job.command.run is not None, "only what runs is started"  # noqa: S101
            job.outcome = job.command.run(job)
        except Interrupted:
            job.outcome = f"{job.command.name}: cancelled"
        except ClickstreamError as error:
            job.failed, job.outcome = True, f"{job.command.name}: {error}"
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            job.failed, job.outcome = True, f"{job.command.name}: {where}{error.strerror or error}"
        except Exception as error:
            # A fault of ours: the app stays open and says so.
            job.failed, job.outcome = True, f"{job.command.name}: internal error: {type(error).__name__}: {error}"
        self._source.ask_now()
        self._post(JobEnded(job))
