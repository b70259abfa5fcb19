"""How results read as text: each takes an action's result and gives blocks for output. Prints nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from clickstream.actions.observe import documents
from clickstream.cli import views_lag
from clickstream.cli.output import NOTHING, UNKNOWN, Block, Line, Table, exact, number, seconds

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.actions.demo import DemoResult
    from clickstream.actions.funnel import Detailed
    from clickstream.actions.observe.model import Frame, ProcessRow, ServiceRow
    from clickstream.actions.sessions import Visitor
    from clickstream.actions.topic import Topic

GAPS = "`clickstream topic show` lists the gaps"


def status(frame: Frame) -> list[Block]:
    services = Table(
        ("service", "state", "version", "latency", ""),
        [_service(row) for row in frame.services],
        drop=("version", "latency"),
        wrap=("",),
    )
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
        *views_lag.old(frame),
        *([Line(f"indexing  {exact(indexing.total)} messages behind")] if indexing else []),
        Line(f"events    {exact(counts.events if counts else None)}"),
        Line(f"sessions  {sessions}"),
        Line(f"rejected  {exact(counts.rejected if counts else None)}{replayed}"),
        Line(f"          {exact(counts.rejected_lines if counts else None)} lines of CSV files beside these messages"),
        *_outcomes(frame),
        *([Line(f"skipped   {exact(skipped)} messages were never read ({GAPS})")] if skipped else []),
        *([Line(""), *map(Line, found)] if found else []),
        *views_lag.obstacles(frame.obstacles),
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


def analytics(figures: Analytics | Detailed) -> list[Block]:
    windows = [("all time", figures.all_time), ("last 30 days", figures.last_month), ("last day", figures.last_day)]
    headers = (
        "window",
        "sessions",
        "with cart",
        "with purchase",
        "purchases",
        "conversion",
        "abandoned",
        "items/purchase",
    )
    rows = [
        (
            name,
            exact(funnel.sessions),
            exact(funnel.cart_sessions),
            exact(funnel.purchase_sessions),
            exact(funnel.total_purchases),
            f"{funnel.conversion_rate:.2f} %",
            f"{funnel.cart_abandonment:.2f} %",
            f"{funnel.avg_items_per_purchase:.2f}",
        )
        for name, funnel in windows
    ]
    items = [
        (str(item.item_id), exact(item.views), exact(item.carts), exact(item.purchases)) for item in figures.top_items
    ]
    drop = ("items/purchase", "purchases", "abandoned", "with cart", "with purchase")
    return [Table(headers, rows, drop=drop), Line(""), Table(("item", "views", "carts", "purchases"), items)]


def visitor(found: Visitor) -> list[Block]:
    if not found.events:
        return [Line(f"nothing is stored of visitor {found.visitor_id}")]
    headers = ("session", "start", "seconds", "events", "views", "carts", "purchases", "converted")
    rows = [
        (
            session.session_id,
            session.session_start,
            exact(session.duration_seconds),
            exact(session.event_count),
            exact(session.view_count),
            exact(session.cart_count),
            exact(session.transaction_count),
            "yes" if session.converted else "no",
        )
        for session in found.sessions
    ]
    events = [
        (event.event_time, event.event, str(event.item_id), str(event.transaction_id or "")) for event in found.events
    ]
    return [
        Table(headers, rows, drop=("seconds", "views", "carts", "converted", "events", "purchases")),
        Line(""),
        Table(("time", "event", "item", "transaction"), events, drop=("transaction",)),
    ]


def verification(found: dict[str, Any]) -> list[Block]:
    verdict = "ok" if found["ok"] else "failed"
    rows = [(name.replace("_", " "), exact(value)) for name, value in found.items() if name not in {"ok", "examples"}]
    words = (
        "every stored session is what its events say"
        if found["ok"]
        else "the stored sessions are not what they should be"
    )
    skipped = found["skipped_messages"]
    unread = f"; {exact(skipped)} messages were never read ({GAPS})" if skipped else ""
    lines = [Line(f"{verdict}: {words}{unread}")]
    if days := found["different_days"]:
        words = f"the figures of {exact(days)} days, kept for status and analytics, differ"
        lines.append(Line(f"{words}: who else writes into the tables?"))
    return [Table(("figure", "rows"), rows), *_examples(found["examples"]), *lines]


def _examples(found: list[dict[str, Any]]) -> list[Block]:
    """A line for each: which it is, and stored beside expected where columns differ."""
    lines = []
    for one in found:
        columns = "; ".join(
            f"{name} {_json(one['stored'][name])}, expected {_json(one['expected'][name])}" for name in one["columns"]
        )
        if one["kind"] == "duplicate event":
            columns = f"{exact(one['stored']['rows'])} rows"
        lines.append(Line(f"{one['kind']}: {one['of']}" + (f": {columns}" if columns else "")))
    return [Line(""), *lines, Line("")] if lines else []


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def verification_of_both(found: dict[str, Any]) -> list[Block]:
    index = found["opensearch"]
    tables = {name: value for name, value in found.items() if name != "opensearch"}
    figures = ("events", "documents", "missing", "unexpected", "different", "different_days")
    rows = [(name.replace("_", " "), exact(index[name])) for name in figures]
    words = "ok: every event is a document, and none is extra" if index["ok"] else "failed: the index differs"
    refused, behind = index["refused"], index["behind"]
    notes = [
        *([f"{exact(behind)} messages were not indexed yet: verify again once that is 0"] if behind else []),
        *([f"OpenSearch refused {exact(refused)} messages: `clickstream rejects list`"] if refused else []),
        *(f"{one['fault']}: {one['id']}" for one in index["examples"]),
    ]
    differ = any(found[name] for name in ("missing", "unexpected", "different", "duplicate_events"))
    return [
        *verification(tables | {"ok": not differ}),
        Line(""),
        Table((f"index {index['index']}", "rows"), rows),
        Line(words),
        *(Line(note) for note in notes),
    ]


def topic(found: Topic) -> list[Block]:
    rows = [(exact(one.partition), exact(one.begin), exact(one.end), exact(one.messages)) for one in found.partitions]
    return [
        Line(f"topic {found.name}, id {found.topic_id}, {exact(found.messages)} messages"),
        Table(("partition", "begin", "end", "messages"), rows),
        Line(_configs(found)),
        *_gaps(found),
        *views_lag.obstacles(found.obstacles),
    ]


def _configs(found: Topic) -> str:
    if found.configs is None:
        return "when Kafka removes messages is not readable with this user"
    return "  ".join(f"{name}={value}" for name, value in found.configs.items())


def _gaps(found: Topic) -> list[Block]:
    if found.gaps is None:
        return [Line("whether messages were skipped is not known: PostgreSQL does not answer")]
    rows = [
        (exact(one.partition), exact(one.from_offset), exact(one.to_offset), exact(one.messages), one.accepted_at)
        for one in found.gaps
    ]
    headers = ("partition", "from", "to", "messages", "accepted")
    return [Table(headers, rows, "never read", drop=("accepted",))] if rows else []


def demo(result: DemoResult) -> list[Block]:
    found = verification(result.document()["verify"])
    lines = [
        f"events      {exact(result.events)} stored, {exact(result.new)} of them by this demo",
        f"sessions    {exact(result.sessions)}",
        f"duplicates  {exact(result.duplicates)}",
        f"rejected    {exact(result.rejected)} messages, {exact(result.bad_lines)} lines of the file",
        *([] if result.documents is None else [f"documents   {exact(result.documents)} in OpenSearch"]),
        f"took        {seconds(result.seconds)}, {number(result.events_per_second, unit=' events/s')}",
        "",
    ]
    return [*(Line(line) for line in lines), found[-1], Line(""), *analytics(result.analytics)]


def _service(row: ServiceRow) -> tuple[str, ...]:
    state = "down" if row.state == "failed" else row.state
    latency = f"{row.latency_ms:.1f} ms" if row.latency_ms is not None else ""
    aiven = row.aiven_state or (f"? ({row.aiven_error})" if row.aiven_error else "")
    error = "" if row.error == row.state else row.error
    notes = [error, f"Aiven: {aiven}" if aiven else ""]
    return row.name, state, row.version or "", latency, "; ".join(note for note in notes if note)
