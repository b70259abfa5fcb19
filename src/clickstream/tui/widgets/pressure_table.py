"""The table of back-pressure: what each consumer's time goes to, and which stage holds it up. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.actions.lag.back_pressure import NOTHING as NO_BOTTLENECK
from clickstream.actions.lag.back_pressure import UNKNOWN as NOT_KNOWN
from clickstream.actions.lag.back_pressure import BackPressure
from clickstream.tui.states import ACCENT, BUSY, DIM
from clickstream.tui.text import NOTHING, bar, exact, percent
from clickstream.tui.widgets.row_table import Cell, Column

if TYPE_CHECKING:
    from clickstream.actions.watch.frame import Frame

STAGES = {"fetch": "fetch", "decode": "decode", "sessions": "sessions", "postgresql": "PostgreSQL"}

NORMAL, WIDE = 116, 160


def columns_for(width: int) -> tuple[Column, ...]:
    stage = 22 if width >= WIDE else 14 if width >= NORMAL else 0
    columns = [
        Column("consumer", width=11),
        Column("batch fill", right=True, width=11) if width >= NORMAL else Column("fill", right=True, width=5),
        Column("idle", right=True, width=5),
        *(Column(title, width=max(stage, len(title) + 1)) for title in STAGES.values()),
    ]
    if width >= WIDE:
        columns += [Column("batches", right=True, width=9), Column("rebalances", right=True, width=11)]
    if width >= NORMAL:
        columns.append(Column("held up by", width=11))
    return tuple(columns)


def pressure_cells(one: BackPressure, width: int) -> tuple[Cell, ...]:
    """The cells of one consumer, for the columns of that width."""
    known = bool(one.stages)
    cells = [
        Cell(one.worker, one.worker),
        Cell(percent(one.batch_fill, 1, 0) if known else NOTHING, one.batch_fill, "" if known else DIM),
        Cell(percent(one.idle, 1, 0) if known else NOTHING, one.idle, "" if known else DIM),
        *(_stage(one, name, width) for name in STAGES),
    ]
    if width >= WIDE:
        rebalances = exact(one.rebalances) if one.rebalances is not None else NOTHING
        cells += [Cell(exact(one.batches), one.batches), Cell(rebalances, one.rebalances or 0)]
    if width >= NORMAL:
        cells.append(Cell(bottleneck_words(one), one.bottleneck, DIM if one.bottleneck in _QUIET else BUSY))
    return tuple(cells)


def summary(consumers: list[BackPressure], frame: Frame) -> str:
    """Who is held up by what, in one line."""
    if not consumers and not frame.obstacles:
        return "no consumers" if frame.supervisor or frame.configured else ""
    if frame.obstacles:
        return frame.obstacles[0].brief
    held = [one for one in consumers if one.bottleneck not in _QUIET]
    if not held:
        return "nothing holds them up" if any(one.stages for one in consumers) else ""
    causes = sorted({bottleneck_words(one) for one in held})
    who = "all" if len(held) == len(consumers) else ", ".join(one.worker for one in held[:3])
    return f"{who} held up by {', '.join(causes)}"


def bottleneck_words(one: BackPressure) -> str:
    if one.bottleneck == NO_BOTTLENECK:
        return "nothing"
    return NOTHING if one.bottleneck == NOT_KNOWN else STAGES.get(one.bottleneck, one.bottleneck)


_QUIET = (NO_BOTTLENECK, NOT_KNOWN)


def _stage(one: BackPressure, name: str, width: int) -> Cell:
    if name not in one.stages:
        return Cell(NOTHING, 0.0, DIM)
    share = one.stages[name]
    worst = name == one.bottleneck
    figure = percent(share, 1, 0)
    if width < NORMAL:
        return Cell(f"{figure:>5}{' ◀' if worst else ''}", share, BUSY if worst else "")
    length = (22 if width >= WIDE else 14) - 8
    return Cell(f"{bar(share, length)} {figure:>5}{' ◀' if worst else ''}", share, BUSY if worst else ACCENT)
