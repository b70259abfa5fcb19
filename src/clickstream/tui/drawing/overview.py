"""The boxes of the overview below its strip: sessions and funnel, the servers, the journal."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from textual.content import Content

from clickstream.actions.observe.model import OFF, UP
from clickstream.tui.drawing.ages import age_of, since_of
from clickstream.tui.drawing.pieces import Piece, Row, content, fit, spread
from clickstream.tui.drawing.span import span
from clickstream.tui.drawing.states import ACCENT, DIM, HAPPENING, TITLES, service_style
from clickstream.tui.drawing.text import NOTHING, UNKNOWN, bar, clock, exact, milliseconds, number, seconds, spark

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Figure, Frame, ServiceRow, StoredCounts


def sessions_box(frame: Frame, width: int, height: int) -> Content:
    counts = frame.counts
    stored = _value(exact(counts.value.sessions) if counts else UNKNOWN, counts, frame.at)
    rejected = _value(_rejected(counts.value) if counts else UNKNOWN, counts, frame.at)
    totals = frame.outcome_totals
    lines = [
        _row("stored", stored, width),
        _open(frame, frame.history.active, width),
        _row("rejected", rejected, width),
        _row("duplicates", _total(totals.duplicates if totals else None), width),
        _row("late", _total(totals.late if totals else None), width),
    ]
    return content(lines[:height])


def _rejected(counts: StoredCounts) -> str:
    """Messages, and beside them lines of CSV files."""
    lines = "? lines" if counts.rejected_lines is None else f"{number(counts.rejected_lines)} lines"
    return exact(counts.rejected) if counts.rejected_lines == 0 else f"{exact(counts.rejected)} + {lines}"


def _total(count: int | None) -> list[Piece]:
    """Since the consumers started."""
    return [(exact(count), "bold" if count else DIM)]


def funnel_age(frame: Frame) -> str:
    """Since when the funnel is older than what stands beside it; else empty."""
    return since_of(frame.analytics, frame.at)


def funnel_box(frame: Frame, width: int, height: int) -> Content:
    found = frame.analytics
    if found is None:
        return content([[("not counted yet", DIM)]])
    window = found.value.all_time
    old = bool(funnel_age(frame))
    steps = (("sessions", window.sessions), ("carts", window.cart_sessions), ("bought", window.purchase_sessions))
    style = "$foreground 30%" if old else ACCENT
    lines: list[Row] = []
    for name, count in steps:
        length = max(3, width - 21)
        share = count / window.sessions if window.sessions else 0.0
        lines.append([(f"{name:<9}", DIM), (bar(share, length), style), (f"{exact(count):>12}", DIM if old else "")])
    lines += [[] for _ in range(max(0, min(1, height - 4)))]
    strong = DIM if old else "bold"
    rates: Row = [("conversion ", DIM), (f"{window.conversion_rate:.2f} %", strong)]
    lines.append(fit([*rates, ("   abandoned ", DIM), (f"{window.cart_abandonment:.1f} %", strong)], width))
    return content(lines[-height:] if height < len(lines) else lines)


def outcome_box(frame: Frame, width: int, height: int) -> Content:
    """Both in one, for narrow terminals."""
    half = max(28, width * 2 // 5)
    left = _lines(sessions_box(frame, half, height))
    right = _lines(funnel_box(frame, width - half - 3, height))
    rows = []
    for index in range(height):
        one = left[index] if index < len(left) else Content("")
        two = right[index] if index < len(right) else Content("")
        rows.append(Content.assemble(one.pad_right(half - one.cell_length), Content.styled(" │ ", DIM), two))
    return Content("\n").join(rows)


def _lines(drawn: Content) -> list[Content]:
    return drawn.split("\n", allow_blank=True)


def _row(name: str, value: list[Piece], width: int) -> Row:
    return spread([(name, DIM)], value, width)


def _open(frame: Frame, active: tuple[float, ...], width: int) -> Row:
    room = width - 12 - len(exact(frame.active_sessions)) - 2
    drawn = spark(active, min(room, 14), span(frame)) if room >= 4 else ""
    value = (exact(frame.active_sessions), "bold") if frame.active_sessions else (NOTHING, DIM)
    return spread([("open", DIM), (f"  {drawn}", ACCENT)], [value], width)


def _value(text: str, figure: Figure[Any] | None, now: float) -> list[Piece]:
    """A figure that is old is dim and shows its age."""
    age = age_of(figure, now).replace(" ago", "")  # beside a name is little room
    return [*([(f" {age}  ", DIM)] if age else []), (text, DIM if age or figure is None else "bold")]


def services_box(frame: Frame, width: int, height: int) -> Content:
    """State, version, latency, since when."""
    return content([_service(frame, row, width) for row in frame.services][:height])


def _service(frame: Frame, row: ServiceRow, width: int) -> Row:
    look = service_style(row)
    version = f"  {row.version}" if row.version else ""
    right: list[Piece] = [(milliseconds(row.latency_ms), "bold")] if row.latency_ms is not None else []
    if row.state not in {UP, OFF}:
        right = [(f"since {seconds(frame.at - row.since)}", look.style)]
    return spread(
        [(f"{look.glyph} ", look.style), (f"{TITLES[row.name]:<11}", ""), (look.word, look.style), (version, DIM)],
        right,
        width,
    )


HEAD = len("12:00:00 · ")
"""Cells of what precedes an entry."""


def journal_box(frame: Frame, width: int, height: int) -> Content:
    """The newest first, broken into as many lines as there are; what does not fit ends with a sign."""
    if not frame.happenings:
        return content([[("nothing yet", DIM)]])
    lines: list[Row] = []
    for entry in frame.happenings:
        look, room = HAPPENING[entry.level], height - len(lines)
        if room <= 0:
            break
        words = wrap(entry.text, max(10, width - HEAD)) or [""]
        head: Row = [(f"{clock(entry.at)} ", DIM), (f"{look.glyph} ", look.style)]
        for part in [*words[: room - 1], " ".join(words[room - 1 :])] if len(words) > room else words:
            lines.append(fit([*head, (part, look.style)], width))
            head = [(" " * HEAD, "")]
    return content(lines)
