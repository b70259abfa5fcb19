"""What a benchmark creates on the servers and in this home: recorded first, and removed however the benchmark ends.

A killed benchmark cannot clean up; the next one in the same home does, from the list in the lock file. Only what
carries a token of that list is touched, so the user's topic, schema, keys and files are safe.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clickstream.actions.control import Control, running
from clickstream.actions.servers import kafka_of, postgres_of, valkey_of
from clickstream.config.files import locked
from clickstream.config.paths import Home
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.pipeline.events.csvfile.rejects import SUFFIX
from clickstream.services.kafka.admin import delete_group, delete_topic
from clickstream.services.postgres.reset import drop_schema
from clickstream.services.valkey.keys import clear

NAME = "benchmark"

Say = Callable[[str, int, int], None]
"""Called with words, how much is done and how much there is to do (0: nothing to measure)."""

_TRIES = 3
"""How often a removal that was interrupted, or failed for no known reason, is tried; each can be repeated."""


@dataclass(slots=True)
class Trace:
    """What one run created."""

    settings: Settings
    """With a topic, a schema and a group that only this run uses."""
    began: float = field(default_factory=time.time)
    producers: set[int] = field(default_factory=set)
    """Pids of its producers: the names of their rejects files contain them."""


class Traces:
    """The one benchmark of a home, as a context manager, and the tokens of what benchmarks left there."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file = home.run / "benchmark.lock"
        self._lock = locked(self._file, wait=False)

    def __enter__(self) -> Traces:
        """Raises ClickstreamError: another one is running."""
        try:
            self._lock.__enter__()
        except BlockingIOError as error:
            raise ClickstreamError(
                "a benchmark is running in this home already", hint="wait for its end, or cancel it where it runs"
            ) from error
        return self

    def __exit__(self, *error: Any) -> None:
        self._lock.__exit__(*error)

    @contextmanager
    def of_a_run(self, settings: Settings, partitions: int, say: Say) -> Iterator[Trace]:
        """Settings of its own for a run; nothing of it stays, whatever happens in the block. What cannot be removed
        is said, and remembered."""
        token = secrets.token_hex(4)
        self._write([*self._tokens(), token])
        trace = Trace(_own(settings, token, partitions))
        try:
            yield trace
        finally:
            self._remove(token, trace, say)

    def end_workers(self) -> None:
        """End what a benchmark that was killed has left running."""
        if control := running(self._home):
            _end_workers(control)

    def sweep(self, settings: Settings, say: Say) -> None:
        """Remove what earlier benchmarks have left on the servers."""
        for token in self._tokens():
            self._remove(token, Trace(_own(settings, token, 1)), say)

    def _remove(self, token: str, trace: Trace, say: Say) -> None:
        kafka, postgres, valkey = kafka_of(trace.settings), postgres_of(trace.settings), valkey_of(trace.settings)
        topic, group = kafka.events_topic, trace.settings.pipeline.consumer_group_id
        left, interruption = _all_done(
            {
                "workers": self.end_workers,
                f"group {group}": lambda: delete_group(kafka, group),
                f"topic {topic}": lambda: delete_topic(kafka, topic),
                f"schema {postgres.schema_name}": lambda: drop_schema(postgres),
                "keys in Valkey": lambda: clear(valkey, naming=(topic, postgres.schema_name)),
                "bad lines": lambda: _remove_bad_lines(self._home.rejects, trace),
            }
        )
        if not left:
            self._write([one for one in self._tokens() if one != token])
        for what, reason in left.items():
            words = f"{what} of the benchmark left behind until the next one: {reason}"
            try:
                say(words, 0, 0)
            except Interrupted:  # who was cancelled knows it already
                say(words, 0, 0)
        if interruption is not None:
            raise interruption

    def _tokens(self) -> list[str]:
        return self._file.read_text(encoding="ascii", errors="ignore").split()

    def _write(self, tokens: list[str]) -> None:
        self._file.write_text("".join(f"{token}\n" for token in tokens), encoding="ascii")


def _own(settings: Settings, token: str, partitions: int) -> Settings:
    """The settings with names of a benchmark's own."""
    topic, schema = f"clickstream-{NAME}-{token}", f"clickstream_{NAME}_{token}"
    names = ("KAFKA_EVENTS_TOPIC", "KAFKA_EVENTS_TOPIC_PARTITIONS", "PG_SCHEMA_NAME", "POSTGRESQL_CONSUMER_GROUP_ID")
    return replace(
        settings,
        kafka=kafka_of(settings).model_copy(update={"events_topic": topic, "partitions": partitions}),
        postgres=postgres_of(settings).model_copy(update={"schema_name": schema}),
        pipeline=settings.pipeline.model_copy(update={"consumer_group_id": topic}),
        sources={**settings.sources, **dict.fromkeys(names, NAME)},
    )


def _all_done(undos: dict[str, Callable[[], object]]) -> tuple[dict[str, Exception], KeyboardInterrupt | None]:
    """Each of them, whatever becomes of the others: why some could not be done, and what came meanwhile and waits."""
    left: dict[str, Exception] = {}
    interruption: KeyboardInterrupt | None = None
    for what, undo in undos.items():
        for _ in range(_TRIES):
            try:
                undo()
                left.pop(what, None)
                break
            except KeyboardInterrupt as error:
                interruption, left[what] = error, Interrupted("interrupted")
            except ClickstreamError as error:
                left[what] = error
                break
            except Exception as error:  # a driver may turn an interruption into anything
                left[what] = error
    return left, interruption


def _end_workers(control: Control) -> None:
    names = [process.name for process in control.snapshot().processes if process.name.startswith(f"{NAME}-")]
    control.stop(names)
    control.remove(names)


def _remove_bad_lines(folder: Path, trace: Trace) -> None:
    """Remove what the producers rejected: every run rejects the same bad lines of the file again."""
    earliest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(trace.began))
    for pid in trace.producers:
        for file in folder.glob(f"*-{pid}{SUFFIX}*"):
            if file.name >= earliest:  # pids come again
                file.unlink(missing_ok=True)
