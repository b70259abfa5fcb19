"""A place in a topic, as a user names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clickstream.domain.errors import UsageError

EARLIEST, LATEST = "earliest", "latest"

HIGHEST_OFFSET: Final = 2**63 - 1

EXAMPLES: Final = (
    "earliest, latest, an offset (1500), a time (2026-11-25T08:30, UTC) or Unix milliseconds (1430622004384ms)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Exactly one of the three is set."""

    end: str = ""
    """`earliest` or `latest`."""
    offset: int | None = None
    unix_ms: int | None = None
    """The first message that was sent at that time or later, by the record timestamps."""

    @classmethod
    def of(cls, text: str) -> Target:
        """What a user's word means; a time without a zone is UTC. Raises UsageError where it means nothing."""
        word = text.strip()
        if word.lower() in {EARLIEST, LATEST}:
            return cls(end=word.lower())
        if re.fullmatch(r"[0-9]+", word) and int(word) <= HIGHEST_OFFSET:
            return cls(offset=int(word))
        if found := re.fullmatch(r"([0-9]{1,15})ms", word):
            return cls(unix_ms=int(found[1]))
        try:
            # Digits alone would be a date in ISO 8601's basic form too: they are an offset here.
            when = datetime.fromisoformat(word) if "-" in word[1:] else None
        except ValueError:
            when = None
        if when is None or when.year < 1970:
            raise UsageError(f"{text!r} is not an offset or a time", hint=f"give {EXAMPLES}")
        return cls(unix_ms=round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000))
