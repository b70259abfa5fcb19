"""The boxes of the benchmark screen beside its chart: one case in detail, the machine, the one that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.domain.processes import is_benchmarks
from clickstream.tui.benchmarks import BenchmarkProgress
from clickstream.tui.drawing.benchmark.bars import short
from clickstream.tui.drawing.benchmark.rows import DIFFERS, PARTS, VERIFIED
from clickstream.tui.drawing.pieces import Piece, Row, content, fit, spread
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, OKAY
from clickstream.tui.drawing.text import UNKNOWN, bar, clip, exact, milliseconds, number, percent

if TYPE_CHECKING:
    from clickstream.actions.benchmark.history import Record
    from clickstream.actions.benchmark.series import Summary
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.jobs import Job

LABEL = 11
"""Cells of the names in a box."""

TITLES = {"consumers": "consumers", "kafka": "Kafka", "postgresql": "PostgreSQL"}


def case_title(case: Summary) -> str:
    """`3 partitions, 1 M events`, in a border."""
    partitions = f"{case.case.partitions} partition{'s' * (case.case.partitions > 1)}"
    rate = f", {short(case.case.rate)}/s" if case.case.rate else ""
    return f"{partitions}, {short(case.case.events)}{rate}"


def case_box(case: Summary, width: int, height: int) -> Content:
    """The result of the case; what does not fit here is in the table, or is left out."""
    verify = VERIFIED if case.verified else DIFFERS
    stored: list[Piece] = [(number(case.median, "/s"), "bold" if case.sustained else BUSY)]
    rows = [
        _row("stored", stored if case.sustained else [("▲ falls behind  ", BUSY), *stored], width),
        _share("of COPY", case.ratio, f"{case.ratio:.2f}", width, ACCENT),
        _row("verify", [(f"{verify.glyph} {verify.word}", verify.style)], width),
    ]
    if case.latency_ms:
        shown = " · ".join(milliseconds(value) for value in case.latency_ms.values())
        rows.append(_row("p50 95 99", [(shown, "bold")], width))
    rows += [
        *_cpu(case, width),
        _row("COPY alone", [(number(case.limit, "/s"), "")], width),
        _row("range", [(f"{number(case.minimum)} – {number(case.maximum)}, {_runs(case)}", "")], width),
        _row("memory", [(number(case.peak_rss_bytes, "B"), "")], width),
    ]
    return content(rows[:height])


def machine_box(record: Record | None, width: int, height: int) -> Content:
    """Where and what was measured."""
    if record is None:
        return content([[("this one, now", DIM)]])
    found, versions = record.machine, record.versions
    memory = found.get("memory_bytes")
    commit = versions.get("commit", "")
    rows = [
        [(clip(str(found.get("cpu", UNKNOWN)), width), "")],
        _row("cores", [(str(found.get("cores", UNKNOWN)), "bold")], width),
        _row("memory", [(f"{memory / 2**30:.0f} GB" if isinstance(memory, int) else UNKNOWN, "")], width),
        _row("clickstream", [(" @ ".join(filter(None, (versions.get("clickstream"), commit[:7]))), "")], width),
        _row("Kafka", [(versions.get("kafka", UNKNOWN), "")], width),
        _row("PostgreSQL", [(versions.get("postgresql", UNKNOWN), "")], width),
        _row("Python", [(versions.get("python", UNKNOWN), "")], width),
        _row("system", [(str(found.get("system", UNKNOWN)), "")], width),
    ]
    return content(rows[:height])


def machine_line(record: Record | None) -> str:
    """The same in a border, where there is no box."""
    if record is None:
        return ""
    return f"{record.machine.get('cores', UNKNOWN)} cores, {record.machine.get('cpu', UNKNOWN)}"


def running_box(job: Job | None, progress: BenchmarkProgress | None, width: int) -> Content:
    """The runs one after the other: done with its figure, the present one with its bar, those to come."""
    pieces: Row = []
    done = len(progress.runs) if progress else 0
    for place, case in enumerate(progress.plan if progress else ()):
        name = f"{case.partitions} p {short(case.events)}"
        if place < done:
            run = progress.runs[place] if progress else None
            look = VERIFIED if run is None or run.verified else DIFFERS
            pieces += [(f"{look.glyph} ", look.style), (f"{name} ", DIM)]
            pieces.append((f"{number(run.events_per_second if run else None, '/s')}   ", "bold"))
        elif place == done:
            pieces += [("▲ ", BUSY), (f"{name} ", ""), *_present(job)]
        else:
            pieces += [("◌ ", DIM), (f"{name}   ", DIM)]
    if not pieces and job is not None:
        pieces = [("▲ ", BUSY), (job.words, "")]
    return content([fit(pieces, width)])


def elsewhere_box(frame: Frame, width: int) -> Content:
    """A benchmark that another terminal has started: its workers."""
    pieces: Row = []
    for row in frame.processes:
        if is_benchmarks(row.name):
            pieces += [("● ", OKAY), (f"{row.name} ", ""), (f"{number(row.rate, '/s')}   ", "bold")]
    return content([fit(pieces, width)])


def _present(job: Job | None) -> list[Piece]:
    if job is None:
        return []
    words = job.words.rpartition(": ")[2]
    if not job.total:
        return [(f"{words}   ", DIM)]
    share = min(1.0, job.done / job.total)
    return [(f"{words} ", DIM), (bar(share, 12), ACCENT), (f"{percent(share, 1, 0):>6}   ", DIM)]


def _runs(case: Summary) -> str:
    return f"{exact(case.runs)} run{'s' * (case.runs > 1)}"


def _cpu(case: Summary, width: int) -> list[Row]:
    """CPU time an event, in all and by part."""
    total = sum(case.cpu_us.values())
    if not total:
        return [_row("CPU", [("not measured", DIM)], width)]
    parts = [(TITLES.get(part, part), case.cpu_us.get(part, 0.0)) for part in PARTS]
    return [
        _row("CPU", [(f"{total:.1f} us an event", "")], width),
        *(_share(f" {name}", value / total, f"{value:.1f}", width, "$secondary") for name, value in parts),
    ]


def _row(name: str, value: list[Piece], width: int) -> Row:
    return spread([(name, DIM)], value, width)


def _share(name: str, share: float, figure: str, width: int, style: str) -> Row:
    length = width - LABEL - 1 - 6
    drawn = bar(share, length) if length >= 4 else ""
    return spread([(f"{name:<{LABEL}} ", DIM), (drawn, style)], [(figure, "bold" if style == ACCENT else "")], width)
