"""How fast a producer sends: as fast as it can, at an even rate, or at the pace of event time."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

import msgspec

from clickstream.domain.errors import UsageError

FULL: Final = "full"

_FACTOR: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)x?", re.IGNORECASE | re.ASCII)


class Pace(msgspec.Struct, tag="pace", frozen=True):
    """With neither field, as fast as Kafka takes the events. Raises UsageError for both, or a number out of range."""

    rate: float | None = None
    """Events a second."""
    realtime: float | None = None
    """As the events happened, this many times as fast."""

    def __post_init__(self) -> None:
        if self.rate is not None and self.realtime is not None:
            raise UsageError("a rate and the pace of event time exclude one another", hint="give one of them")
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise UsageError(f"{self.rate} is not a rate: give a number of events a second above 0")
        if self.realtime is not None and not 0 < self.realtime < math.inf:
            raise UsageError(f"{self.realtime} is not a speed: give a number above 0")

    @classmethod
    def of_rate(cls, text: str) -> Pace:
        """Of a number of events a second: `500`. Raises UsageError."""
        try:
            return cls(rate=float(text))
        except ValueError:
            raise UsageError(f"{text!r} is not a number of events a second above 0") from None

    @classmethod
    def of_factor(cls, text: str) -> Pace:
        """Of a plain decimal number: `5x`, `0.5x`, `5`. Raises UsageError."""
        match = _FACTOR.fullmatch(text.strip())
        factor = float(match[1]) if match else 0.0
        if not 0 < factor < math.inf:
            raise UsageError(f"{text!r} is not a speed: give a number above 0, such as 5x or 0.5x")
        return cls(realtime=factor)

    @classmethod
    def of(cls, text: str) -> Pace:
        """Of any of the three: `500`, `5x`, `full`. Raises UsageError."""
        word = text.strip().lower()
        if word == FULL:
            return cls()
        if word.endswith("x"):
            return cls.of_factor(word)
        try:
            return cls.of_rate(word.removesuffix("/s").replace(",", ""))
        except UsageError:
            raise UsageError(f"{text!r} is not a pace", hint="500, 5x or full") from None

    def arguments(self) -> list[str]:
        """As options of a producer's command line."""
        if self.rate is not None:
            return ["--rate", repr(self.rate)]
        # Without an exponent, whatever its size.
        return [] if self.realtime is None else ["--realtime", f"{Decimal(repr(self.realtime)):f}"]

    def __str__(self) -> str:
        if self.rate is not None:
            return f"{self.rate:g} events/s"
        return f"{self.realtime:g}x realtime" if self.realtime is not None else "full speed"


FULL_SPEED: Final = Pace()
