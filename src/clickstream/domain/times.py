"""Parses and formats times, the same way in every command."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from clickstream.domain.errors import UsageError

EXAMPLES: Final = "a time (2026-11-25T08:30, UTC) or Unix milliseconds (1430622004384ms)"

_CYCLE_YEARS: Final = 400
_CYCLE_MS: Final = 12_622_780_800_000
"""The calendar repeats itself after that."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> datetime | None:
    """A time without a zone is UTC. None: the text is not a time from 1970 on."""
    word = text.strip()
    try:
        if found := re.fullmatch(r"([0-9]{1,15})ms", word):
            return _EPOCH + timedelta(milliseconds=int(found[1]))
        # Digits alone may be a date in ISO 8601's basic form, milliseconds or an offset: they are refused.
        when = datetime.fromisoformat(word) if "-" in word[1:] else None
    except (ValueError, OverflowError):
        return None
    if when is None or when.year < 1970:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def time_of(text: str) -> datetime:
    """The same; raises UsageError for a text that is not a time."""
    when = parse_time(text)
    if when is None:
        raise UsageError(f"{text!r} is not a time", hint=f"give {EXAMPLES}")
    return when


def moment(milliseconds: int) -> str:
    """An event time in ISO 8601, UTC, whatever its year."""
    cycles, rest = divmod(milliseconds, _CYCLE_MS)
    at = _EPOCH + timedelta(milliseconds=rest)
    return f"{at.year + cycles * _CYCLE_YEARS:04d}{at.strftime('-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03d}Z"
