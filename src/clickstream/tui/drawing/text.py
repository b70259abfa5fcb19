"""Numbers, spans, bars and sparklines as text of a fixed width."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

UNKNOWN = "?"
NOTHING = "–"

TICKS = "▁▂▃▄▅▆▇█"

THIN = "▏▎▍▌▋▊▉"
"""Parts of a cell from the left, for bars of less than one."""


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits: `61.2 k/s`; a rate or size of nothing is `–`, unknown is `?`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if abs(value) < 0.005:
        return NOTHING
    scaled, prefix = float(value), ""
    for letter in ("", "k", "M", "G"):
        prefix = letter
        if abs(scaled) < 999.5 or letter == "G":
            break
        scaled /= 1000
    whole = not prefix and scaled == int(scaled)
    digits = 0 if abs(scaled) >= 99.95 or whole else 1 if abs(scaled) >= 9.995 else 2
    amount = f"{scaled:,.{digits}f}"
    return f"{amount} {prefix}{unit}" if prefix or unit not in {"", "/s"} else f"{amount}{unit}"


def rate(value: float | None) -> str:
    """A rate within a sentence, where nothing is `0/s`."""
    found = number(value, "/s")
    return "0/s" if found == NOTHING else found


def exact(value: int | None) -> str:
    """Every digit, thousands separated; unknown is `?`."""
    return UNKNOWN if value is None else f"{value:,}"


def percent(part: float, whole: float, digits: int = 2) -> str:
    return f"{100 * part / whole:.{digits}f} %" if whole else NOTHING


def seconds(value: float | None) -> str:
    """A span: `4.2 s`, `3 min`, `2 h 5 min`; unknown is `?`."""
    if value is None:
        return UNKNOWN
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 99.5:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d}" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def milliseconds(value: float | None) -> str:
    """`0.4 ms`, `41 ms`, `3.1 s`."""
    if value is None:
        return UNKNOWN
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:,.0f} ms" if value < 999.5 else f"{value / 1000:,.1f} s"


def clock(at: float) -> str:
    """Time of the day, as this machine has it."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def day(milliseconds_: int | None) -> str:
    """The day of an event time, UTC."""
    if milliseconds_ is None:
        return ""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(milliseconds_ / 1000))
    except (ValueError, OverflowError, OSError):  # event times reach further than calendars
        return ""


def bar(share: float, width: int) -> str:
    """A bar of whole cells, padded to `width`; less than a cell is drawn as a thin one, so as not to vanish.

    Empty where there is no room: a screen that opens has no width before its first layout.
    """
    width = max(0, width)
    cells = min(1.0, max(0.0, share)) * width
    if cells >= 1:
        return (TICKS[6] * round(cells)).ljust(width)
    return (THIN[int(cells * len(THIN))] if share > 0 and width else "").ljust(width)


def spark(values: Sequence[float], width: int, over: int) -> str:
    """The last `over` values in `width` columns, the newest to the right; nothing is a blank."""
    last = values[-over:]
    shown = resample([math.nan] * (over - len(last)) + [*last], width)
    most = max(shown, default=0.0)
    return "".join(TICKS[min(6, int(value / most * 7))] if value > 0 else " " for value in shown)


def area(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """The values as columns of eighths of a cell, stretched or averaged to `width`; `height` lines, highest first."""
    if not values or top <= 0:
        return [" " * width] * height
    eighths = [round(min(1.0, value / top) * height * 8) for value in resample(values, width)]
    return [
        "".join(f" {TICKS}"[min(8, max(0, eighth - 8 * level))] for eighth in eighths)
        for level in reversed(range(height))
    ]


def resample(values: Sequence[float], width: int) -> list[float]:
    """`width` values: means of neighbours, or neighbours repeated; NaN counts as nothing."""
    clean = [0.0 if math.isnan(value) else value for value in values]
    count = len(clean)
    found = []
    for column in range(width):
        start = column * count // width
        end = max(start + 1, (column + 1) * count // width)
        part = clean[start:end]
        found.append(sum(part) / len(part))
    return found


def clip(text: str, width: int) -> str:
    """Cut with a sign that it was cut."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""
