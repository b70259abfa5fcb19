"""The pipeline for narrow windows: one line a stage, with its name, how it stands, and its figure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.ages import age_of
from clickstream.tui.headline import nothing_runs
from clickstream.tui.states import ACCENT, DIM, of_process, of_service
from clickstream.tui.text import bar, exact, milliseconds, number, percent
from clickstream.tui.widgets.pieces import Piece, Row, content, spread
from clickstream.tui.widgets.topology import gravity, lag_age, lag_style, open_sessions

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame


def stages(frame: Frame, width: int) -> Content:
    """Six lines."""
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
    look = of_process(worst)
    alike = all(of_process(row) == look for row in rows)
    which = f" {worst.name}" if look.glyph in {"✖", "▲"} and not alike else ""
    return [(f"{look.glyph} {look.word}{which}", look.style)]


def _service(frame: Frame, name: str) -> list[Piece]:
    row = frame.service(name)
    look = of_service(row)
    figure = milliseconds(row.latency_ms) if row.latency_ms is not None else ""
    version = f"  {row.version}" if row.version else ""
    return [(f"{look.glyph} {look.word:<4}", look.style), (f" {figure}{version}", DIM)]
