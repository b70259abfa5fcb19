"""How the lag's report and history read as text: each takes an action's result and gives blocks. Prints nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clickstream.cli.output import NOTHING, Block, Line, Table, exact, number, seconds

if TYPE_CHECKING:
    from clickstream.actions.back_pressure import BackPressure
    from clickstream.actions.frame import PartitionRow
    from clickstream.actions.lag_history import LagHistory
    from clickstream.actions.lag_report import LagReport

STAGES = (("fetch", "fetch"), ("decode", "decode"), ("sessions", "sessions"), ("postgresql", "PostgreSQL"))

BAR = 24
"""Cells of the longest bar."""


def report(found: LagReport) -> list[Block]:
    headers = (
        "partition", "state", "position", "end", "lag", "behind", "trend", "in/s", "out/s", "drains in", "share",
        "owner",
    )  # fmt: skip
    pressure = (
        "consumer",
        "batch fill",
        "idle",
        *(title for _, title in STAGES),
        "batches",
        "rebalances",
        "bottleneck",
    )
    blocks: list[Block] = [
        Table(headers, [_partition(row) for row in found.partitions]),
        Line(f"total lag {exact(found.total)}"),
        Line(""),
    ]
    if not found.consumers:
        return [*blocks, Line("no consumers")]
    return [*blocks, Table(pressure, [_pressure(one) for one in found.consumers])]


def history(found: LagHistory) -> list[Block]:
    numbers = sorted(found.points[-1].partitions)
    headers = ("time", "lag", "", *(f"p{number}" for number in numbers))
    most = max((point.total or 0 for point in found.points), default=0)
    rows = [
        (
            time.strftime("%H:%M:%S", time.localtime(point.at)),
            exact(point.total),
            _bar(point.total, most),
            *(exact(point.partitions[number]) for number in numbers),
        )
        for point in found.points
    ]
    words = f"lag of {found.topic} over the last {seconds(found.window_seconds)}; ? is what no consumer has noted"
    return [Line(words), *([Line(found.note)] if found.note else []), Table(headers, rows)]


def _partition(row: PartitionRow) -> tuple[str, ...]:
    drains = "never" if row.seconds_to_drain is None else seconds(row.seconds_to_drain)
    return (
        exact(row.partition),
        row.state,
        exact(row.position),
        exact(max(row.end, row.position)),  # Kafka was asked a moment before PostgreSQL
        exact(row.lag),
        NOTHING if row.lag == 0 else seconds(row.seconds_behind),
        row.trend,
        number(row.rate_in),
        number(row.rate_out),
        NOTHING if row.lag == 0 or (row.state == "OK" and row.seconds_to_drain is None) else drains,
        f"{row.share:.0%}",
        row.owner or NOTHING,
    )


def _pressure(one: BackPressure) -> tuple[str, ...]:
    shares = (f"{one.stages[name]:.0%}" if name in one.stages else NOTHING for name, _ in STAGES)
    return (
        one.worker,
        f"{one.batch_fill:.0%}",
        f"{one.idle:.0%}" if one.stages else NOTHING,
        *shares,
        exact(one.batches),
        exact(one.rebalances) if one.rebalances is not None else NOTHING,
        f"none: {one.activity}" if not one.bottleneck else dict(STAGES).get(one.bottleneck, one.bottleneck),
    )


def _bar(value: int | None, most: int) -> str:
    return "█" * max(1, round(value / most * BAR)) if value and most else ""
