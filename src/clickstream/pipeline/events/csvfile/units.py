"""Checks the unit of a file's times: milliseconds are sent, a file in any other unit is refused.

A single line cannot show it: 1433221332 is a good millisecond of January 1970, and the second of a day in 2015. The
whole file can. It is refused when more than half of its times, bad lines' included, would lie between 1990 and 2100 if
they were seconds, microseconds or nanoseconds. As milliseconds these are five weeks of early 1970, or years after
21,000. So up to half of a file's events may be of 1970 or of the far future, and a file of small made-up numbers
(1, 2, 3), which are in 1970 in any unit, is accepted. It is refused, not converted: the other unit is a guess, and
events of a wrong time are worse than none.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clickstream.domain.errors import FileFault
from clickstream.domain.events import BadLine

_UNITS: Final = (
    ("seconds", 1, "multiply the column by 1,000"),
    ("microseconds", 10**6, "divide the column by 1,000"),
    ("nanoseconds", 10**9, "divide the column by 1,000,000"),
)
"""Name, how many are a second, and the cure."""

_FROM: Final = int(np.datetime64("1990", "s").astype(np.int64))
_TO: Final = int(np.datetime64("2100", "s").astype(np.int64))

_TIME: Final = re.compile(rb"([0-9]{1,19}(?:\.[0-9]{0,9})?),")
"""The time of a bad line: one that is too large, or has a fraction."""


def refuse_other_units(path: Path, times: npt.NDArray[np.int64], bad: list[BadLine]) -> None:
    """Refuse a file whose times are not milliseconds.

    Args:
        path: what is refused.
        times: those of the good lines, in order.
        bad: the bad lines.

    Raises:
        FileFault: it says which unit they look like, and the cure.
    """
    matches = [match for line in bad if (match := _TIME.match(line.text))]
    others = np.array([float(match[1]) for match in matches], dtype=np.float64)
    for name, a_second, cure in _UNITS:
        begin, end = _FROM * a_second, _TO * a_second
        first, last = np.searchsorted(times, (begin, end))
        like = np.flatnonzero((others >= begin) & (others < end))
        if 2 * (last - first + len(like)) <= len(times) + len(others):
            continue
        example = str(times[first]) if last > first else matches[like[0]][1].decode()
        meant = np.datetime64(int(float(example) / a_second), "s").astype("datetime64[D]")
        read = np.datetime64(int(float(example)), "ms").astype("datetime64[Y]")
        raise FileFault(
            f"the times in {path} look like {name}, and must be milliseconds since 1970:"
            f" {example} would be in the year {read}, not on {meant}",
            hint=cure,
        )
