"""Sends rejects again, as they are or corrected, and discards them.

A reject is marked after Kafka has acknowledged it. When the process dies in between, the reject is sent twice, and the
second event is dropped as a duplicate. A message that would be rejected again is never sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from clickstream.actions.rejects import files as rejects_files
from clickstream.actions.rejects.files import CsvPlace
from clickstream.actions.rejects.listing import EVERYTHING_OPEN, Reject, find_all, whole_ones
from clickstream.actions.servers import kafka_of, postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceUnavailable, UsageError
from clickstream.domain.escapes import escape_controls
from clickstream.domain.events import EventColumns
from clickstream.domain.rejects import RejectFilter, RejectSource, ReplayedFilter
from clickstream.pipeline.events.csvfile.reader import parse_line
from clickstream.pipeline.events.decode import decode
from clickstream.pipeline.events.encode import encode_keys, encode_values
from clickstream.services.kafka.producer import EventProducer
from clickstream.services.postgres.rejects import RejectKey, RejectsTable

Progress = Callable[[int], None]
"""Told how many were looked at so far; what it raises ends the work between two batches."""

WITHIN: Final = 30.0
"""Seconds within which Kafka must have acknowledged what it was sent at once."""

AT_ONCE: Final = 500

_TOO_LARGE: Final = "Kafka refused it for good: it is too large, or the topic's rules forbid it"


@dataclass(frozen=True, slots=True)
class RefusedReject:
    """A reject that was not sent."""

    id: str
    reason: str


@dataclass(slots=True)
class Replay:
    """What came of it."""

    replayed: list[str] = field(default_factory=list)
    """Ids; Kafka has them."""
    refused: list[RefusedReject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _ReplayMessage:
    """A reject as the message that it will be."""

    reject: Reject
    key: str
    value: bytes


class InvalidEvent(Exception):
    """The payload would be rejected again; the text says why."""


def as_message(source: str, payload: bytes | None) -> tuple[str, bytes]:
    """Key and value of the message that this payload (of a message, or a CSV line) makes.

    Raises:
        InvalidEvent: it makes none.
    """
    if source == RejectSource.CSV:
        try:
            row = parse_line((payload or b"").rstrip(b"\r\n"))
        except ValueError as error:
            raise InvalidEvent(escape_controls(str(error))) from error
        event = EventColumns(*(np.array([value]) for value in row))
        return encode_keys(event)[0], encode_values(event)[0].encode()
    event, faults = decode([payload])
    if faults or payload is None:
        raise InvalidEvent(escape_controls(faults[0][1]))
    return encode_keys(event)[0], payload


def replay(settings: Settings, ids: Sequence[str], *, corrected: bytes | None = None) -> Replay:
    """Send these again.

    Args:
        settings: those of now.
        ids: which.
        corrected: the payload to send instead of the one reject's: JSON for a message, a line for a CSV line.

    Raises:
        UsageError: an id is unknown (nothing was sent then), or `corrected` is given with several.
        ClickstreamError: a server cannot be reached; what was acknowledged may be sent again, which does no harm.
    """
    if corrected is not None and len(ids) != 1:
        raise UsageError("a corrected payload replaces that of one reject", hint="give one id")
    result = Replay()
    with _Sender(settings) as sender:
        sender.send(find_all(settings, ids), result, corrected)
    return result


def replay_all(
    settings: Settings, chosen: RejectFilter = EVERYTHING_OPEN, *, progress: Progress = lambda done: None
) -> Replay:
    """Send again all that are chosen, were not replayed, and are events now: a newer reader may take what an older one
    did not.

    Raises ClickstreamError as `replay` does.
    """
    result = Replay()
    with _Sender(settings) as sender:
        for batch in whole_ones(settings, replace(chosen, replayed=ReplayedFilter.NO)):
            sender.send(batch, result)
            progress(len(result.replayed) + len(result.refused))
    return result


def refuse_unclear(ids: Sequence[str], chosen: RejectFilter, *, everything: bool) -> None:
    """Raise UsageError unless a command says just one of these: some ids, a filter, or all."""
    if ids and everything:
        raise UsageError("ids and --all say two things", hint="give the ids, or --all")
    if ids and (chosen.chooses or chosen.replayed is not ReplayedFilter.NO):
        raise UsageError("ids say which rejects, and a filter says so again", hint="give the ids, or the filter")
    if not (ids or everything or chosen.chooses):
        raise UsageError("say which rejects", hint="give their ids, a filter such as --reason, or --all")


def count(settings: Settings, chosen: RejectFilter = EVERYTHING_OPEN) -> int:
    """How many `discard_all` would remove."""
    lines = len(rejects_files.places(settings.home, chosen))
    if not chosen.messages or settings.postgres is None:
        return lines
    with RejectsTable(settings.postgres) as table:
        return lines + table.count(chosen)


def discard(settings: Settings, ids: Sequence[str]) -> int:
    """Remove these for good; how many there were. Raises UsageError for an unknown id: nothing is removed then."""
    found = find_all(settings, ids, first=0)
    keys = [one.origin for one in found if isinstance(one.origin, RejectKey)]
    removed = rejects_files.remove(one.origin for one in found if isinstance(one.origin, CsvPlace))
    if keys:
        with RejectsTable(postgres_of(settings)) as table:
            removed += table.remove(keys)
    return removed


def discard_all(settings: Settings, chosen: RejectFilter = EVERYTHING_OPEN) -> int:
    """Remove for good what `listing` lists of the same filter, and so no replayed one unasked; how many there were."""
    removed = 0
    if chosen.messages and settings.postgres is not None:
        with RejectsTable(settings.postgres) as table:
            removed = table.remove_all(chosen)
    return removed + rejects_files.remove(rejects_files.places(settings.home, chosen))


class _Sender(AbstractContextManager["_Sender"]):
    """Sends and marks; reaches Kafka only when there is something to send."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: EventProducer | None = None

    def __exit__(self, *_: object) -> None:
        if self._producer is not None:
            self._producer.close()

    def send(self, rejects: Sequence[Reject], result: Replay, corrected: bytes | None = None) -> None:
        """Send what is an event, mark what was acknowledged, and note both in `result`."""
        messages = []
        for reject in rejects:
            try:
                if reject.replayed_at is not None:
                    raise InvalidEvent(f"it was replayed at {reject.replayed_at}")
                messages.append(
                    _ReplayMessage(
                        reject, *as_message(reject.source, reject.payload if corrected is None else corrected)
                    )
                )
            except InvalidEvent as error:
                result.refused.append(RefusedReject(reject.id, str(error)))
        for at in range(0, len(messages), AT_ONCE):
            sent = self._deliver(messages[at : at + AT_ONCE])
            self._mark(sent)
            delivered = {id(message) for message in sent}
            for message in messages[at : at + AT_ONCE]:
                if id(message) in delivered:
                    result.replayed.append(message.reject.id)
                else:
                    result.refused.append(RefusedReject(message.reject.id, _TOO_LARGE))

    def _deliver(self, messages: list[_ReplayMessage]) -> list[_ReplayMessage]:
        """Those that Kafka acknowledged. Where it refuses some, all are sent again one by one, to learn which."""
        producer = self._open()
        failed_before = producer.failed
        keys, values = [message.key for message in messages], [message.value for message in messages]
        producer.send(keys, values)
        deadline = time.monotonic() + WITHIN
        while producer.flush(0.2):
            if time.monotonic() > deadline:
                raise ServiceUnavailable("Kafka", producer.trouble or f"nothing was acknowledged within {WITHIN:g} s")
        if producer.failed == failed_before:
            return messages
        return [] if len(messages) == 1 else [one for message in messages for one in self._deliver([message])]

    def _open(self) -> EventProducer:
        if self._producer is None:
            self._producer = EventProducer(kafka_of(self._settings))
            self._producer.check_topic(timeout=10.0)
        return self._producer

    def _mark(self, sent: Sequence[_ReplayMessage]) -> None:
        rejects_files.remove(one.reject.origin for one in sent if isinstance(one.reject.origin, CsvPlace))
        keys = [one.reject.origin for one in sent if isinstance(one.reject.origin, RejectKey)]
        if keys:
            with RejectsTable(postgres_of(self._settings)) as table:
                table.mark_replayed(keys)
