"""The file that a run sends; where it is missing, it is generated beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from clickstream.actions.data.generate import GeneratedFile, generate
from clickstream.config.settings import Settings
from clickstream.pipeline.events.generator import RETAILROCKET


class DataFile:
    """A context manager: generates what is missing on a thread of its own, which ends with it.

    Where only the first events by time are to be sent, and the settings' file is missing, only these are generated,
    into a file of their own in CLICKSTREAM_HOME: nothing can take that for the whole file.
    """

    def __init__(self, settings: Settings, limit: int | None = None) -> None:
        whole = settings.pipeline.data_file
        self.path = whole
        self.note = ""
        """What the user has to know; empty where the settings' file is there."""
        self._limit: int | None = None
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="generate")
        self._made: Future[GeneratedFile] | None = None
        self._done, self._total = 0, 0
        if whole.exists():
            return
        if limit is None or limit >= RETAILROCKET.rows:
            self.note = f"{whole} is not there: generating it"
            return
        self._limit, self.path = limit, settings.home.first_events(limit)
        which = f"its first {limit:,} events by time, {self.path}"
        verb = "sending" if self.path.exists() else "generating only"
        self.note = f"{whole} is not there: {verb} {which}"

    def __enter__(self) -> DataFile:
        if not self.path.exists():
            self._made = self._thread.submit(
                generate, self.path, progress=self._count, limit=self._limit, cancelled=self._stop.is_set
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.shutdown()

    def ready(self, progress: Callable[[int, int], None], every: float) -> Path:
        """The file, once it is there; until then `progress` gets the rows written and all rows, every `every` seconds.

        Raises:
            ClickstreamError: it cannot be written.
        """
        if self._made is not None:
            while not wait([self._made], every).done:
                progress(self._done, self._total)
            self._made.result()
        return self.path

    def _count(self, done: int, total: int) -> None:
        self._done, self._total = done, total
