"""A place in a topic, as a user names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clickstream.domain import times
from clickstream.domain.errors import UsageError
from clickstream.domain.times import parse_time


class TopicEnd(StrEnum):
    """An end of a partition's messages."""

    EARLIEST = "earliest"
    LATEST = "latest"


HIGHEST_OFFSET: Final = 2**63 - 1

EXAMPLES: Final = f"earliest, latest, an offset (1500), {times.EXAMPLES}"


@dataclass(frozen=True, slots=True)
class Target:
    """Exactly one of the three is set."""

    end: TopicEnd | None = None
    offset: int | None = None
    unix_ms: int | None = None
    """The first message that was sent at that time or later, by the record timestamps."""

    @classmethod
    def of(cls, text: str) -> Target:
        """What a user's word means; a time without a zone is UTC. Raises UsageError where it means nothing."""
        word = text.strip()
        if word.lower() in set(TopicEnd):
            return cls(end=TopicEnd(word.lower()))
        if re.fullmatch(r"[0-9]+", word) and int(word) <= HIGHEST_OFFSET:
            return cls(offset=int(word))
        when = parse_time(word)
        if when is None:
            raise UsageError(f"{text!r} is not an offset or a time", hint=f"give {EXAMPLES}")
        return cls(unix_ms=round(when.timestamp() * 1000))
