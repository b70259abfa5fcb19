"""The table of back-pressure: how each consumer spends its time, and which stage is its bottleneck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clickstream.actions.observe.back_pressure import NO_ANSWER, BackPressure
from clickstream.actions.observe.back_pressure import NOTHING as NO_BOTTLENECK
from clickstream.actions.observe.back_pressure import UNKNOWN as NOT_KNOWN
from clickstream.actions.observe.model import SILENT, STALLED, STOPPED
from clickstream.domain.obstacles import named
from clickstream.tui.drawing.cells import Cell, Column
from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, TITLES
from clickstream.tui.drawing.text import NOTHING, bar, exact, percent

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame

STAGES = {"fetch": "fetch", "decode": "decode", "sessions": "sessions", "postgresql": "PostgreSQL"}

NORMAL, WIDE = 116, 160

MOST_NAMED = 3
"""Consumers that a sentence names."""

HELD_WIDTH = len("PostgreSQL silent")


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
        columns.append(Column("held up by", width=HELD_WIDTH))
    return tuple(columns)


def pressure_cells(one: BackPressure, width: int) -> tuple[Cell, ...]:
    """The cells of one consumer, for the columns of that width."""
    known = _known(one)
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


def summary(consumers: Sequence[BackPressure], frame: Frame) -> str:
    """Who is held up by what, in one line; that nothing does, only where everything is being stored."""
    if not consumers and not frame.obstacles:
        return _unstored(frame) or ("no consumers" if frame.supervisor or frame.configured else "")
    if frame.obstacles:
        return frame.obstacles[0].brief
    held = [one for one in consumers if one.bottleneck not in _QUIET]
    if not held:
        return _unstored(frame) or ("nothing holds them up" if any(one.stages for one in consumers) else "")
    silent = [one.worker for one in held if one.bottleneck == SILENT]
    servers = sorted({_server(one) for one in held if one.bottleneck.endswith(NO_ANSWER)})
    others = [one for one in held if one.bottleneck != SILENT and not one.bottleneck.endswith(NO_ANSWER)]
    words = [f"{_some(silent, consumers)} silent"] if silent else []
    words += [_no_answer(servers)] if servers else []
    if others:
        causes = sorted({bottleneck_words(one) for one in others})
        words.append(f"{_some([one.worker for one in others], consumers)} held up by {', '.join(causes)}")
    return "; ".join(words)


def _some(names: Sequence[str], consumers: Sequence[BackPressure]) -> str:
    if len(names) == len(consumers):
        return "all"
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def _unstored(frame: Frame) -> str:
    """The partitions of which nothing is stored though messages wait."""
    stalled = [row.partition for row in frame.partitions if row.state == STALLED]
    stopped = [row.partition for row in frame.partitions if row.state == STOPPED]
    away = [TITLES[name] for name in ("kafka", "postgresql") if frame.service(name).silent]
    if away and (stalled or stopped):
        return _no_answer(away)
    words = [f"nothing is stored of {named(stalled)}"] if stalled else []
    words += [f"no consumer owns {named(stopped)}"] if stopped else []
    return "; ".join(words)


def _no_answer(servers: Sequence[str]) -> str:
    return f"{' and '.join(servers)} {'does' if len(servers) == 1 else 'do'} not answer"


def _server(one: BackPressure) -> str:
    name = one.bottleneck.removesuffix(NO_ANSWER)
    return TITLES.get(name, name)


def bottleneck_words(one: BackPressure) -> str:
    """What holds it up, for a cell."""
    if one.bottleneck == NO_BOTTLENECK:
        return "nothing"
    if one.bottleneck.endswith(NO_ANSWER):
        return f"{_server(one)} silent"
    return NOTHING if one.bottleneck == NOT_KNOWN else STAGES.get(one.bottleneck, one.bottleneck)


_QUIET = (NO_BOTTLENECK, NOT_KNOWN)


def _known(one: BackPressure) -> bool:
    """Whether its figures are those of now."""
    return bool(one.stages) and one.bottleneck != SILENT


def _stage(one: BackPressure, name: str, width: int) -> Cell:
    if not _known(one):
        return Cell(NOTHING, 0.0, DIM)
    share = one.stages[name]
    worst = name == one.bottleneck
    figure = percent(share, 1, 0)
    if width < NORMAL:
        return Cell(f"{figure:>5}{' ◀' if worst else ''}", share, BUSY if worst else "")
    length = (22 if width >= WIDE else 14) - 8
    return Cell(f"{bar(share, length)} {figure:>5}{' ◀' if worst else ''}", share, BUSY if worst else ACCENT)
