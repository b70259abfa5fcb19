"""How results read as text: each takes an action's result and gives blocks for output. Prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clickstream.cli import views_lag
from clickstream.cli.output import NOTHING, UNKNOWN, Block, Line, Table, exact, number, seconds

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.actions.demo import DemoResult
    from clickstream.actions.funnel import Detailed
    from clickstream.actions.group import Worker
    from clickstream.actions.lag.measure import Lag
    from clickstream.actions.sessions import Visitor
    from clickstream.actions.status import Service, Status
    from clickstream.actions.topic import Topic

GAPS = "`clickstream topic show` lists the gaps"


def status(now: Status) -> list[Block]:
    down = [name for name, service in now.services.items() if service.ok is False]
    services = Table(
        ("service", "state", "version", "latency", ""),
        [_service(name, service) for name, service in now.services.items()],
    )
    blocks: list[Block] = [services, *workers(now.workers)]
    if len(down) >= 3:
        hint = "Nothing runs: `clickstream stack up` starts the servers, `clickstream demo` the whole pipeline."
        return [*blocks, Line(""), Line(hint)]
    topic, lag_, counts = now.topic, now.lag, now.counts
    skipped = counts.skipped_messages
    replayed = f", and {exact(counts.replayed_rejects)} replayed" if counts.replayed_rejects else ""
    partitions = ", ".join(f"{partition}: {exact(lag)}" for partition, lag in lag_.partitions.items())
    indexers = lag_.opensearch
    return [
        *blocks,
        Line(""),
        Line(f"topic     {topic.name}: {exact(topic.partitions)} partitions, {exact(topic.messages)} messages"),
        Line(f"lag       {exact(lag_.total)}" + (f" ({partitions})" if partitions else "")),
        *([Line(f"indexing  {exact(indexers.total)} messages behind")] if indexers else []),
        Line(f"events    {exact(counts.events)}"),
        Line(f"sessions  {exact(counts.sessions)}, of which {exact(counts.active_sessions)} may still grow"),
        Line(f"rejected  {exact(counts.rejected_events)}{replayed}"),
        *([Line(f"skipped   {exact(skipped)} messages were never read ({GAPS})")] if skipped else []),
        *views_lag.obstacles(now.obstacles),
    ]


def workers(known: tuple[Worker, ...]) -> list[Block]:
    if not known:
        return [Line(""), Line("no workers")]
    headers = ("worker", "state", "partitions", "events/s", "lag", "restarts", "memory", "uptime", "")
    rows = [
        (
            worker.name if worker.local else f"{worker.name} on {worker.host}, pid {worker.pid}",
            worker.activity or worker.state,
            ",".join(map(str, worker.partitions)) or NOTHING,
            number(worker.events_per_second),
            NOTHING if worker.lag is None else exact(worker.lag),
            exact(worker.restarts),
            number(worker.rss_bytes, unit="B"),
            seconds(worker.uptime_seconds) if worker.uptime_seconds else NOTHING,
            worker.detail,
        )
        for worker in known
    ]
    return [Table(headers, rows)]


def producer(worker: Worker) -> list[Block]:
    total, sent = worker.counters.get("total", 0), worker.events
    share = f" ({100 * sent / total:.1f} %)" if total else ""
    lines = [
        f"state         {worker.activity or worker.state}{f': {worker.detail}' if worker.detail else ''}",
        f"acknowledged  {exact(sent)} of {exact(total)}{share}",
        f"rate          {number(worker.events_per_second, unit='/s')}",
        f"pace          {worker.pace or UNKNOWN}",
        f"failed        {exact(worker.counters.get('failed', 0))}",
        f"bad lines     {exact(worker.counters.get('bad_lines', 0))}",
    ]
    return [Line(line) for line in lines]


def lag(now: Lag) -> list[Block]:
    headers = ("partition", "position", "end", "lag", "trend", "in/s", "out/s", "catches up in", "state", "worker")
    rows = [
        (
            exact(one.partition),
            exact(one.position),
            exact(one.end),
            exact(one.lag),
            one.trend,
            number(one.rate_in),
            number(one.rate_out),
            NOTHING
            if one.lag == 0
            else (views_lag.HELD if one.held_from is not None else "never")
            if one.seconds_to_catch_up is None
            else seconds(one.seconds_to_catch_up),
            one.state,
            views_lag.owner_of(one.owner, one.foreign_owner),
        )
        for one in now.partitions
    ]
    total = Line(f"total lag {exact(now.total)}")
    return [Table(headers, rows), total, *views_lag.indexers(now.opensearch), *views_lag.obstacles(now.obstacles)]


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
    return [Table(headers, rows), Line(""), Table(("item", "views", "carts", "purchases"), items)]


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
    return [Table(headers, rows), Line(""), Table(("time", "event", "item", "transaction"), events)]


def verification(found: dict[str, Any]) -> list[Block]:
    verdict = "ok" if found["ok"] else "failed"
    rows = [(name.replace("_", " "), exact(value)) for name, value in found.items() if name != "ok"]
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
    return [Table(("figure", "rows"), rows), *lines]


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
    return [Table(("partition", "from", "to", "messages", "accepted"), rows, "never read")] if rows else []


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


def _service(name: str, service: Service) -> tuple[str, ...]:
    state = "off" if service.ok is None else "ok" if service.ok else "down"
    latency = f"{service.latency_ms:.1f} ms" if service.latency_ms is not None else ""
    aiven = service.aiven_state or (f"? ({service.aiven_error})" if service.aiven_error else "")
    notes = [service.error if service.ok is False else "", f"Aiven: {aiven}" if aiven else ""]
    return name, state, service.version or "", latency, "; ".join(note for note in notes if note)
