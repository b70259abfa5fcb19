"""The types of the command line's values: each reads a text once, and says what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from clickstream.domain.errors import ClickstreamError

if TYPE_CHECKING:
    from clickstream.domain.pace import Pace
    from clickstream.domain.target import Target

HIGHEST: Final = 2**63 - 1


class WholeNumber(click.ParamType[int]):
    """A whole number within limits, in ASCII digits."""

    name = "number"

    def __init__(self, lowest: int, highest: int = HIGHEST) -> None:
        self._lowest = lowest
        self._highest = highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            self.fail(f"{text!r} is not a whole number", param, ctx)
        if len(digits) > 20 or int(text) > self._highest:
            self.fail(f"{text!r} is too large: the highest is {self._highest}", param, ctx)
        if int(text) < self._lowest:
            self.fail(f"{text!r} is too small: the lowest is {self._lowest}", param, ctx)
        return int(text)


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers above 0, with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(POSITIVE.convert(part, param, ctx) for part in str(value).split(","))


class Ramp(click.ParamType[tuple[int, int, int]]):
    """START:END:STEP."""

    name = "ramp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        parts = str(value).split(":")
        if len(parts) != 3:
            self.fail(f"{value!r} is not START:END:STEP, such as 20000:200000:20000", param, ctx)
        start, end, step = (POSITIVE.convert(part, param, ctx) for part in parts)
        return start, end, step


class Duration(click.ParamType[float]):
    """A span of time: 90s, 5m, 2h; a bare number counts seconds. Becomes seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value)
        number, unit = (text[:-1], text[-1]) if text[-1:] in {"s", "m", "h"} else (text, "s")
        if not (number.isascii() and number.isdigit() and int(number) > 0):
            self.fail(f"{text!r} is not a span of time, such as 90s, 5m or 2h", param, ctx)
        return float(int(number) * {"s": 1, "m": 60, "h": 3600}[unit])


class PaceOf(click.ParamType["Pace"]):
    """A pace, of a number of events a second or, `realtime`, of how many times as fast as they happened."""

    name = "pace"

    def __init__(self, *, realtime: bool) -> None:
        self._realtime = realtime

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pace:
        from clickstream.domain.pace import Pace

        try:
            return Pace.of_factor(str(value)) if self._realtime else Pace.of_rate(str(value))
        except ClickstreamError as error:
            self.fail(str(error), param, ctx)


class TargetType(click.ParamType["Target"]):
    """Where consumers continue after a rewind."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        from clickstream.domain.target import Target

        try:
            return Target.of(str(value))
        except ClickstreamError as error:
            self.fail(str(error), param, ctx)


class Time(click.ParamType[datetime]):
    """A time, in UTC unless it names a zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from clickstream.domain.times import time_of

        try:
            return time_of(str(value))
        except ClickstreamError as error:
            self.fail(str(error), param, ctx)


class PictureFile(click.Path):
    """A file to draw into."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if Path(str(value)).suffix.lower() not in {".svg", ".png"}:
            self.fail(f"{value!r} does not end in .svg or .png", param, ctx)
        return super().convert(value, param, ctx)


NATURAL: Final = WholeNumber(0)
POSITIVE: Final = WholeNumber(1)
PORT: Final = WholeNumber(1, 65_535)
LIMIT: Final = WholeNumber(1, 2**31 - 1)
"""Of rows: PostgreSQL counts them in 32 bits here."""
NUMBERS: Final = Numbers()
RAMP: Final = Ramp()
SPAN: Final = Duration()
RATE: Final = PaceOf(realtime=False)
REALTIME: Final = PaceOf(realtime=True)
TARGET: Final = TargetType()
TIME: Final = Time()
FILE: Final = click.Path(path_type=Path)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)
PICTURE: Final = PictureFile(path_type=Path)
