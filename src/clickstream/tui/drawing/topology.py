"""The pipeline at the top of the overview: boxes with what flows between them; in a narrow terminal, a line a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.ages import age, age_of, lag_at
from clickstream.tui.drawing.headline import MOVING, nothing_runs
from clickstream.tui.drawing.pieces import Piece, Row, beside, box, content, fit, spread, width_of
from clickstream.tui.drawing.states import ACCENT, DIM, FAILED, TITLES, process_style, service_style
from clickstream.tui.drawing.text import NOTHING, bar, clip, day, exact, milliseconds, number, percent

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, PartitionRow, ProcessRow

LEAST = (15, 15, 19, 16, 19)
"""Cells that each box needs; what is left over is shared."""

NARROW = 116
"""Cells below which there is no room for boxes."""

BEHIND = ("valkey", "opensearch")


def topology(frame: Frame, width: int, height: int, *, step: int, read_only: bool = False) -> Content:
    """Boxes and arrows, `height` lines: two of them borders, the last one for what hangs beside the consumers.

    Args:
        frame: what to show.
        width: in cells; from NARROW on.
        height: in lines.
        step: how far the arrows' dashes have moved.
        read_only: do not say what would start something.
    """
    rows, space = height - 3, 8 if width < 120 else 9 + (width - 120) // 16
    widths = _widths(width - 4 * space)
    boxes = [
        box([(clip(frame.data_file or "file", widths[0] - 5), "")], _file(frame, widths[0] - 4, rows), widths[0]),
        box([("producer", "")], _producer(frame, rows), widths[1], line=_line(frame, "producer")),
        box(
            _title(frame, "kafka"),
            _kafka(frame, widths[2] - 4, rows),
            widths[2],
            foot=_lag(frame, widths[2] - 4),
            line=_line(frame, "kafka"),
        ),
        box([("consumers", "")], _consumers(frame, widths[3] - 4, rows), widths[3], line=_line(frame, "consumer")),
        box(
            _title(frame, "postgresql"),
            _postgresql(frame, rows),
            widths[4],
            foot=_counted(frame) or _version(frame, "postgresql"),
            line=_line(frame, "postgresql"),
        ),
    ]
    columns: list[list[Row]] = [boxes[0]]
    for flow, block in zip(_flows(frame), boxes[1:], strict=True):
        columns += [_arrow(flow, rows + 2, space, step), block]
    lines = beside(columns)
    start = sum(widths[:3]) + 3 * space
    lines.append(_beside_consumers(frame, width, start + widths[3] // 2))
    lines[-2] = _joint(lines[-2], start + widths[3] // 2)
    return content(_announced(frame, lines, width, read_only=read_only))


def _flows(frame: Frame) -> tuple[float | None, ...]:
    """What each arrow stands for, a second: sent, taken by Kafka, read, stored."""
    sent = frame.producer.rate if frame.producer else 0.0
    return sent, frame.produced_per_second, frame.read_per_second, frame.stored_per_second


def _widths(room: int) -> list[int]:
    over = room - sum(LEAST)
    widths = [least + over // 5 for least in LEAST]
    widths[2] += over % 5
    return widths


def gravity(row: ProcessRow) -> int:
    return {"✖": 3, "▲": 2, "●": 1}.get(process_style(row).glyph, 0)


def _title(frame: Frame, service: str) -> list[Piece]:
    look = service_style(frame.service(service))
    return [(TITLES[service], ""), (f" {look.glyph}", look.style)]


def _version(frame: Frame, service: str) -> list[Piece]:
    version = frame.service(service).version
    return [(version, DIM)] if version else []


def _line(frame: Frame, of: str) -> str:
    """The border's style: red where something has failed."""
    if of in TITLES:
        return FAILED if service_style(frame.service(of)).style == FAILED else DIM
    failed = any(process_style(row).style == FAILED for row in frame.workers(of))
    return FAILED if failed else DIM


def _lag(frame: Frame, room: int) -> list[Piece]:
    if frame.lag is None:
        return []
    old = lag_age(frame)
    words = f"lag {number(frame.lag) if frame.lag else 0}"
    spoken = [f"{words}, {old}", f"{words} {old.removesuffix(' ago')}", f"lag of {old}"] if old else [words]
    return [(next((one for one in spoken if len(one) <= room), words), lag_style(frame))]


def lag_style(frame: Frame) -> str:
    """Dim when it is nothing or old."""
    return "" if frame.lag and not lag_age(frame) else DIM


def lag_age(frame: Frame) -> str:
    """Where the lag is old: how old."""
    return age(lag_at(frame), frame.at)


def _counted(frame: Frame) -> list[Piece]:
    """Where the rows were counted some time ago: when."""
    old = age_of(frame.counts, frame.at)
    return [(old, DIM)] if old else []


def open_sessions(frame: Frame) -> str:
    """How many sessions are open; a dash where no consumer runs."""
    return exact(frame.active_sessions) if frame.workers("consumer") else NOTHING


def _padded(rows: list[Row], height: int) -> list[Row]:
    return [*rows[:height], *([[]] * (height - len(rows)))]


def _file(frame: Frame, width: int, height: int) -> list[Row]:
    producer = frame.producer
    if producer is None or not producer.total:
        return _padded([[("not sent", DIM)]], height)
    share = producer.sent / producer.total
    rows: list[Row] = [
        [(f"{number(producer.total)} rows", "")],
        [(bar(share, max(3, width - 6)), ACCENT), (f"{percent(share, 1, 0):>6}", "")],
        [(day(producer.newest_event_ms), DIM)],
    ]
    return _padded(rows, height)


def _producer(frame: Frame, height: int) -> list[Row]:
    producer = frame.producer
    row = next(iter(frame.workers("producer")), None)
    if producer is None or row is None:
        return _padded([[("◌ none", DIM)]], height)
    look = process_style(row)
    pace = producer.pace.replace(" events/s", "/s")
    failed: Piece = (f"{number(producer.failed)} failed", FAILED) if producer.failed else (pace, DIM)
    rows: list[Row] = [[(f"{look.glyph} {look.word}", look.style)], [(f"{number(producer.sent)} sent", "")], [failed]]
    return _padded(rows, height)


def _kafka(frame: Frame, width: int, height: int) -> list[Row]:
    service = frame.service("kafka")
    if not frame.partitions:
        look = service_style(service)
        if frame.topic_exists is False:
            return _padded([[("no topic yet", DIM)]], height)
        return _padded([[(f"{look.glyph} {look.word}", look.style)]], height)
    shown = _largest(frame.partitions, height)
    most = max(row.lag for row in frame.partitions)
    rows: list[Row] = []
    for row in shown:
        amount = number(row.lag)
        style = {"OK": ACCENT, "STALLED": FAILED}.get(row.state, "$warning")
        length = max(1, width - 12)
        name = f"{row.partition:>2} " if frame.partitions[-1].partition > 9 else f"{row.partition} "
        rows.append(
            spread([(name, DIM), (bar(row.lag / most if most else 0.0, length), style)], [(f"{amount:>7}", "")], width)
        )
    if len(frame.partitions) > len(shown):
        rest = sum(row.lag for row in frame.partitions if row not in shown)
        rows.append(spread([(f"+{len(frame.partitions) - len(shown)} more", DIM)], [(number(rest), DIM)], width))
    return _padded(rows, height)


def _largest(partitions: tuple[PartitionRow, ...], height: int) -> list[PartitionRow]:
    if len(partitions) <= height:
        return list(partitions)
    worst = sorted(partitions, key=lambda row: -row.lag)[: height - 1]
    return sorted(worst, key=lambda row: row.partition)


def _consumers(frame: Frame, width: int, height: int) -> list[Row]:
    workers = frame.workers("consumer")
    if not workers:
        return _padded([[("◌ none", DIM)]], height)
    shown = list(workers)
    if len(workers) > height:
        shown = sorted(workers, key=lambda row: -gravity(row))[: height - 1]
    rows: list[Row] = []
    for row in shown:
        look = process_style(row)
        name = row.name.removeprefix("consumer-")
        head: Row = [(f"{name} ", DIM), (look.glyph, look.style)]
        word = number(row.rate, "/s") if row.state == "running" and row.activity == "running" else look.word
        word = clip(word, width - width_of(head) - 1)
        rows.append(spread(head, [(word, look.style if look.glyph != "●" else "")], width))
    if len(workers) > len(shown):
        rest = number(sum(row.rate for row in workers if row not in shown), "/s")
        more = f"+{len(workers) - len(shown)}"
        more += " more" if len(more) + 6 + len(rest) <= width else ""
        rows.append(spread([(more, DIM)], [(rest, DIM)], width))
    return _padded(rows, height)


def _postgresql(frame: Frame, height: int) -> list[Row]:
    service = frame.service("postgresql")
    counts = frame.counts
    style = DIM if _counted(frame) else ""
    latency = f"● {milliseconds(service.latency_ms)}" if service.latency_ms is not None else ""
    look = service_style(service)
    rows: list[Row] = [
        [(f"{number(counts.value.events)} events" if counts else "? events", style)],
        [(f"{number(counts.value.sessions)} sessions" if counts else "? sessions", style)],
        [(latency or f"{look.glyph} {look.word}", look.style)],
    ]
    return _padded(rows, height)


def _arrow(rate: float | None, height: int, space: int, step: int) -> list[Row]:
    """The rate over an arrow; its dashes move while something flows."""
    blank: Row = [(" " * space, "")]
    moving = rate is not None and rate > MOVING
    style = ACCENT if moving else DIM
    shaft = "".join("─" if not moving or (place - step) % 3 else " " for place in range(space - 2))
    rows = [blank] * height
    rows[1] = [(f"{number(rate, '/s'):^{space}}", "bold" if moving else DIM)]
    rows[2] = [(f" {shaft}▶", style)]
    return rows


def _beside_consumers(frame: Frame, width: int, middle: int) -> Row:
    """Valkey and OpenSearch, to both sides of a branch below the consumers' box."""
    valkey, search = (frame.service(name) for name in BEHIND)
    looks = service_style(valkey), service_style(search)
    figure = f" {milliseconds(valkey.latency_ms)}" if valkey.latency_ms is not None else f" {looks[0].word}"
    left: Row = [
        (f"{open_sessions(frame)} open  ", "" if frame.active_sessions else DIM),
        ("Valkey ", ""), (looks[0].glyph, looks[0].style), (figure, DIM), (" ◀─", DIM),
    ]  # fmt: skip
    right: Row = [("─▶ ", DIM), ("OpenSearch ", DIM), (f"{looks[1].glyph} {looks[1].word}", looks[1].style)]
    pad = middle - width_of(left)
    return fit([(" " * max(0, pad), ""), *left, ("┴", DIM), *right], width)


def _joint(row: Row, at: int) -> Row:
    """The row with a branch downwards at one place of its line."""
    place = 0
    jointed: Row = []
    for text, style in row:
        if place <= at < place + len(text) and text[at - place] == "─":
            cut = at - place
            text = text[:cut] + "┬" + text[cut + 1 :]  # noqa: PLW2901
        jointed.append((text, style))
        place += len(text)
    return jointed


def _announced(frame: Frame, lines: list[Row], width: int, *, read_only: bool) -> list[Row]:
    """With nothing running: everything dim, and what to press in the middle."""
    if not nothing_runs(frame):
        return lines
    dimmed: list[Row] = [[(text, DIM) for text, _ in line] for line in lines]
    keys = (("?", "help"),) if read_only else (("d", "demo"), ("s", "start the stack"), ("?", "help"))
    words: Row = [("  Nothing runs.  ", "bold")]
    for key, what in keys:
        words += [(key, f"bold {ACCENT}"), (f" {what}" + (" · " if key != "?" else "  "), "")]
    middle = len(lines) // 2 - 1
    text = "".join(text for text, _ in lines[middle])
    start = (width - width_of(words)) // 2
    dimmed[middle] = [(text[:start], DIM), *words, (text[start + width_of(words) :], DIM)]
    return dimmed


def stages(frame: Frame, width: int) -> Content:
    """For narrow terminals: six lines, each with a stage's name, how it stands, and its figure."""
    producer = frame.producer
    sent = f"{number(producer.sent)} of {number(producer.total)}" if producer and producer.total else "nothing sent yet"
    share = producer.sent / producer.total if producer and producer.total else 0.0
    rate = producer.rate if producer else 0.0
    counts = frame.counts.value if frame.counts else None
    counted = age_of(frame.counts, frame.at)
    consumers = frame.workers("consumer")
    alive = [row for row in consumers if row.state == "running"]
    drawn: list[Piece] = [(bar(share, 10), ACCENT), (f"{percent(share, 1, 0):>6}", "")]
    lines: list[Row] = [
        _stage(frame.data_file or "file", drawn, [(sent, "")], width),
        _stage("producer", _state(frame, "producer"), [(number(rate, "/s"), "bold")], width),
        _stage(
            "Kafka",
            _service(frame, "kafka"),
            [*_old(lag_age(frame)), ("lag ", DIM), (exact(frame.lag), lag_style(frame) or "bold")],
            width,
        ),
        _stage(
            "consumers",
            [*_state(frame, "consumer"), (f"  {len(alive)} of {len(consumers)}" if consumers else "", DIM)],
            [(number(frame.read_per_second, "/s"), "bold")],
            width,
        ),
        _stage(
            "PostgreSQL",
            _service(frame, "postgresql"),
            [*_old(counted), (f"{number(counts.events) if counts else '?'} events", DIM if counted else "")],
            width,
        ),
        _stage("Valkey", _service(frame, "valkey"), [(f"{open_sessions(frame)} open", "")], width),
    ]
    if nothing_runs(frame):
        lines = [[(text, DIM) for text, _ in line] for line in lines]
    return content(lines)


def _stage(name: str, middle: list[Piece], right: list[Piece], width: int) -> Row:
    return spread([(f"{name:<11} ", DIM), *middle], right, width)


def _old(age: str) -> list[Piece]:
    return [(f"{age}  ", DIM)] if age else []


def _state(frame: Frame, role: str) -> list[Piece]:
    rows = frame.workers(role)
    if not rows:
        return [("◌ none", DIM)]
    worst = max(rows, key=gravity)
    look = process_style(worst)
    alike = all(process_style(row) == look for row in rows)
    which = f" {worst.name}" if look.glyph in {"✖", "▲"} and not alike else ""
    return [(f"{look.glyph} {look.word}{which}", look.style)]


def _service(frame: Frame, name: str) -> list[Piece]:
    row = frame.service(name)
    look = service_style(row)
    figure = milliseconds(row.latency_ms) if row.latency_ms is not None else ""
    version = f"  {row.version}" if row.version else ""
    return [(f"{look.glyph} {look.word:<4}", look.style), (f" {figure}{version}", DIM)]
