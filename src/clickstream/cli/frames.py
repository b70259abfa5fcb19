"""How Frames read as text: services, processes, partitions, the lag's report and history. Prints nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clickstream.cli.output import NOTHING, UNKNOWN, Block, Line, Table, exact, number, rate, seconds

if TYPE_CHECKING:
    from clickstream.actions.observe.back_pressure import BackPressure
    from clickstream.actions.observe.history import LagHistory
    from clickstream.actions.observe.index_lag import IndexLag
    from clickstream.actions.observe.model import Frame, PartitionRow, ProcessRow, ServiceRow
    from clickstream.domain.obstacles import Obstacle

GAPS = "`clickstream topic show` lists the gaps"

STAGES = (("fetch", "fetch"), ("decode", "decode"), ("sessions", "sessions"))

TITLES = {**dict(STAGES), "postgresql": "PostgreSQL"}

LEGEND = (
    "behind: how long the oldest message that is not stored had waited when it was read, by the record timestamps",
    "idle + fetch + decode + sessions + waits = 100 % of the time of the thread that prepares batches;"
    " waits: mostly for PostgreSQL to take one",
    "PostgreSQL: share of the time that the thread beside it, which commits, had a transaction under way",
)

HELD = "held"
"""When what an open transaction holds back is stored: once it has ended."""

OLD_AFTER = 3.0
"""Seconds after which figures say their age."""

BAR = 24
"""Cells of the longest bar."""


def status(frame: Frame) -> list[Block]:
    services = Table(
        ("service", "state", "version", "latency", ""),
        [_service(row) for row in frame.services],
        drop=("version", "latency"),
        wrap=("",),
    )
    from clickstream.actions.observe import documents

    known = tuple(row for row in frame.processes if row.role not in documents.NO_WORKERS)
    blocks: list[Block] = [Line(_where(frame)), services, *workers(known)]
    found = documents.troubles(frame)
    if sum(row.state != "ok" for row in frame.services) >= 3 and not known:
        hint = "Nothing runs: `clickstream stack up` starts the servers, `clickstream demo` the whole pipeline."
        return [*blocks, Line(""), Line(hint)]
    counts, indexing = frame.counts.value if frame.counts else None, frame.indexing
    replayed = f", and {exact(counts.replayed)} replayed" if counts and counts.replayed else ""
    partitions = ", ".join(f"{row.partition}: {exact(row.lag)}" for row in frame.partitions)
    skipped = counts.skipped if counts else 0
    sessions = f"{exact(counts.sessions if counts else None)}, of which {exact(frame.active_sessions)} may still grow"
    held = f"{exact(frame.topic_partitions)} partitions, {exact(frame.topic_messages)} messages"
    return [
        *blocks,
        Line(""),
        Line(f"topic     {frame.topic}: {held}"),
        Line(f"lag       {exact(frame.lag)}" + (f" ({partitions})" if partitions else "")),
        *old(frame),
        *([Line(f"indexing  {exact(indexing.total)} messages behind")] if indexing else []),
        Line(f"events    {exact(counts.events if counts else None)}"),
        Line(f"sessions  {sessions}"),
        Line(f"rejected  {exact(counts.rejected if counts else None)}{replayed}"),
        Line(f"          {exact(counts.rejected_lines if counts else None)} lines of CSV files beside these messages"),
        *_outcomes(frame),
        *([Line(f"skipped   {exact(skipped)} messages were never read ({GAPS})")] if skipped else []),
        *([Line(""), *map(Line, found)] if found else []),
        *obstacles(frame.obstacles),
    ]


def _outcomes(frame: Frame) -> list[Block]:
    """What became of the messages that were read; nothing where no consumer says so."""
    found = frame.outcome_totals
    if found is None:
        return []
    read = found.stored + found.duplicates + found.rejected
    words = f"{exact(found.stored)} stored ({exact(found.late)} late), {exact(found.duplicates)} duplicates"
    return [
        Line(f"read      {exact(read)} messages since the consumers started:"),
        Line(f"          {words}, {exact(found.rejected)} rejected"),
    ]


def _where(frame: Frame) -> str:
    """Which home and which servers this is about."""
    servers = ", ".join(f"{name} {address}" for name, address in frame.addresses)
    kind = "embedded servers" if frame.embedded else "servers of your own"
    return f"{frame.home}: {kind}{f': {servers}' if servers else ', never started'}"


def workers(known: tuple[ProcessRow, ...]) -> list[Block]:
    if not known:
        return [Line(""), Line("no workers")]
    elsewhere = not all(row.local for row in known)
    headers = ("state", "partitions", "events/s", "lag", "restarts", "memory", "uptime", "")
    rows = [
        (
            row.name,
            *(["" if row.local else f"{row.host}, pid {row.pid}"] if elsewhere else []),
            row.activity or row.state,
            ",".join(map(str, row.partitions)) or NOTHING,
            number(row.rate),
            NOTHING if row.lag is None else exact(row.lag),
            exact(row.restarts),
            number(row.rss_bytes, unit="B"),
            seconds(row.uptime_seconds) if row.uptime_seconds else NOTHING,
            row.reason,
        )
        for row in known
    ]
    drop = ("memory", "restarts", "uptime", "partitions", "events/s")
    return [Table(("worker", *(["host"] if elsewhere else []), *headers), rows, drop=drop, wrap=("host", ""))]


def producer(worker: ProcessRow) -> list[Block]:
    total, sent = worker.counters.get("total", 0), worker.events
    share = f" ({100 * sent / total:.1f} %)" if total else ""
    lines = [
        f"state         {worker.activity or worker.state}{f': {worker.reason}' if worker.reason else ''}",
        f"acknowledged  {exact(sent)} of {exact(total)}{share}",
        f"rate          {number(worker.rate, unit='/s')}",
        f"pace          {worker.pace or UNKNOWN}",
        f"failed        {exact(worker.counters.get('failed', 0))}",
        f"bad lines     {exact(worker.counters.get('bad_lines', 0))}",
    ]
    return [Line(line) for line in lines]


def _service(row: ServiceRow) -> tuple[str, ...]:
    state = "down" if row.state == "failed" else row.state
    latency = f"{row.latency_ms:.1f} ms" if row.latency_ms is not None else ""
    aiven = row.aiven_state or (f"? ({row.aiven_error})" if row.aiven_error else "")
    error = "" if row.error == row.state else row.error
    notes = [error, f"Aiven: {aiven}" if aiven else ""]
    return row.name, state, row.version or "", latency, "; ".join(note for note in notes if note)


def indexers(found: IndexLag | None) -> list[Block]:
    """The second group's table; nothing where OpenSearch is not enabled."""
    if found is None:
        return []
    rows = [
        (
            exact(one.partition),
            exact(one.position),
            exact(one.end),
            exact(one.lag),
            owner_of(one.owner, one.foreign_owner),
        )
        for one in found.partitions
    ]
    table = Table(("partition", "position", "end", "lag", "indexer"), rows, drop=("end", "position"), wrap=("indexer",))
    return [Line(""), table, Line(f"OpenSearch: total lag {exact(found.total)}")]


def obstacles(found: Sequence[Obstacle]) -> list[Block]:
    """What in Kafka keeps messages from being stored, each with its cure on a line of its own."""
    lines = [line for one in found for line in (Line(""), Line(one.message), Line(f"  {one.hint}"))]
    return list(lines)


def owner_of(owner: str | None, foreign: str | None, *, silent: bool = False) -> str:
    """Who has a partition, for a table."""
    if owner and silent:
        return f"{owner} (silent)"
    return owner or (f"{foreign} (foreign)" if foreign else NOTHING)


def partitions(rows: Sequence[PartitionRow], total: int) -> list[Block]:
    """The dashboard's table."""
    headers = (
        "partition", "state", "position", "end", "lag", "behind", "trend", "in/s", "out/s", "drains in", "share",
        "owner",
    )  # fmt: skip
    drop = ("share", "position", "end", "trend", "in/s", "out/s", "drains in", "owner", "behind")
    table = Table(headers, [_partition(row) for row in rows], drop=drop, wrap=("owner",))
    return [table, Line(f"total lag {exact(total)}")]


def lag(frame: Frame) -> list[Block]:
    """How far the consumers and the indexers are behind, and what in Kafka holds messages back."""
    if frame.lag is None:
        return [Line("nothing is known of the topic: `clickstream status` says why")]
    tables = [*partitions(frame.partitions, frame.lag), *_flow(frame), *old(frame), *indexers(frame.indexing)]
    return [*tables, *obstacles(frame.obstacles)]


def _flow(frame: Frame) -> list[Block]:
    """How fast messages are read, and what becomes of them; nothing where that is not known."""
    if frame.read_per_second is None:
        return []
    read, found = rate(frame.read_per_second), frame.outcomes
    if found is None:
        return [Line(f"read {read}")]
    rest = f"{rate(found.duplicates)} duplicates, {rate(found.rejected)} rejected"
    return [Line(f"read {read}: {rate(found.stored)} stored ({rate(found.late)} late), {rest}")]


def old(frame: Frame) -> list[Block]:
    """Since when the offsets could not be read, where that is so."""
    at = min((row.as_of for row in frame.partitions), default=frame.at)
    if frame.at - at < OLD_AFTER:
        return []
    return [Line(f"these figures are {seconds(frame.at - at)} old: {_who_is_silent(frame)}")]


def _who_is_silent(frame: Frame) -> str:
    silent = [row.name for row in frame.services if row.name in {"kafka", "postgresql"} and row.state == "failed"]
    return f"{' and '.join(silent)} did not answer since" if silent else "no answer came since"


def report(frame: Frame, found: Sequence[BackPressure]) -> list[Block]:
    pressure = (
        "consumer",
        "batch fill",
        "idle",
        *(title for _, title in STAGES),
        "waits",
        "PostgreSQL",
        "batches",
        "rebalances",
        "bottleneck",
    )
    blocks = [*lag(frame), Line("")]
    if not found:
        return [*blocks, Line("no consumers")]
    drop = ("rebalances", "batches", "batch fill", "fetch", "decode", "sessions", "PostgreSQL", "waits", "idle")
    table = Table(pressure, [_pressure(one) for one in found], drop=drop, wrap=("bottleneck",))
    return [*blocks, table, Line(""), *(Line(line) for line in LEGEND)]


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
    drop = (*(f"p{number}" for number in reversed(numbers)), "")
    return [Line(words), *([Line(found.note)] if found.note else []), Table(headers, rows, drop=drop)]


def _partition(row: PartitionRow) -> tuple[str, ...]:
    never = HELD if row.held_from is not None else "never"
    drains = never if row.seconds_to_drain is None else seconds(row.seconds_to_drain)
    return (
        exact(row.partition),
        row.state,
        exact(row.position),
        exact(row.end),
        exact(row.lag),
        NOTHING if row.lag == 0 else seconds(row.seconds_behind),
        row.trend,
        number(row.rate_in),
        number(row.rate_out),
        NOTHING if row.lag == 0 or (row.state == "OK" and row.seconds_to_drain is None) else drains,
        f"{row.share:.0%}",
        owner_of(row.owner, row.foreign_owner, silent=row.silent),
    )


def _pressure(one: BackPressure) -> tuple[str, ...]:
    shares = (f"{one.stages[name]:.0%}" if name in one.stages else NOTHING for name, _ in STAGES)
    commits = one.stages.get("postgresql")
    return (
        one.worker,
        f"{one.batch_fill:.0%}",
        f"{one.idle:.0%}" if one.stages else NOTHING,
        *shares,
        f"{one.waits:.0%}" if one.stages else NOTHING,
        NOTHING if commits is None else f"{commits:.0%}",
        exact(one.batches),
        exact(one.rebalances) if one.rebalances is not None else NOTHING,
        f"none: {one.activity}" if not one.bottleneck else TITLES.get(one.bottleneck, one.bottleneck),
    )


def _bar(value: int | None, most: int) -> str:
    return "█" * max(1, round(value / most * BAR)) if value and most else ""
