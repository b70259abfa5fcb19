"""The glyph, word and style of each state. Colour is never the only sign; red is for what the user has to act on."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.observe.model import (
    ASKING,
    BAD,
    DOWN,
    GOOD,
    INFO,
    LAGGING,
    OFF,
    OK,
    SILENT,
    STALLED,
    STOPPED,
    UP,
    WARN,
    ProcessRow,
    ServiceRow,
)

OKAY, BUSY, FAILED, DIM, ACCENT = "$success", "$warning", "bold $error", "dim", "$accent"
"""Styles; `ACCENT` is kept for the data that flows."""


@dataclass(frozen=True, slots=True)
class StateStyle:
    """How one state looks."""

    glyph: str
    word: str
    style: str


SERVICE = {
    UP: StateStyle("●", "ok", OKAY),
    ASKING: StateStyle("▲", "asking", BUSY),
    DOWN: StateStyle("✖", "failed", FAILED),
    OFF: StateStyle("◌", "off", DIM),
}

PARTITION = {
    OK: StateStyle("●", OK, OKAY),
    LAGGING: StateStyle("▲", LAGGING, BUSY),
    STALLED: StateStyle("✖", STALLED, FAILED),
    STOPPED: StateStyle("◌", STOPPED, BUSY),
}

HAPPENING = {
    INFO: StateStyle("·", "", ""),
    GOOD: StateStyle("●", "", OKAY),
    WARN: StateStyle("▲", "", BUSY),
    BAD: StateStyle("✖", "", FAILED),
}

NO_ANSWER = StateStyle("✖", "no answer", FAILED)
"""A server whose process runs, and that does not answer."""

TREND = {"growing": "↗", "shrinking": "↘", "steady": "→"}

PROCESS = {
    "starting": StateStyle("▲", "starting", BUSY),
    "running": StateStyle("●", "running", OKAY),
    "backoff": StateStyle("▲", "restarting", BUSY),
    "stopping": StateStyle("▲", "stopping", BUSY),
    "stopped": StateStyle("◌", "stopped", DIM),
    "finished": StateStyle("●", "finished", DIM),
    "failed": StateStyle("✖", "failed", FAILED),
}

ACTIVITY = {
    "idle": StateStyle("●", "idle", OKAY),
    "waiting": StateStyle("▲", "waiting", BUSY),
    "silent": StateStyle("▲", "silent", BUSY),
    "paused": StateStyle("◌", "paused", BUSY),
    "stopping": StateStyle("▲", "stopping", BUSY),
}


def process_style(row: ProcessRow) -> StateStyle:
    """A running worker looks as its own word says."""
    if row.state == "running" and row.activity == SILENT and row.role == "server":
        return NO_ANSWER
    if row.state == "running" and row.activity in ACTIVITY:
        return ACTIVITY[row.activity]
    return PROCESS.get(row.state, StateStyle("?", row.state, BUSY))


def service_style(row: ServiceRow) -> StateStyle:
    """One that is being started looks so; of one that is merely asked for the first time nothing is known yet."""
    if row.state == ASKING and row.error:
        return StateStyle("▲", row.error, BUSY)
    return NO_ANSWER if row.state == DOWN and row.silent else SERVICE[row.state]


TITLES = {"kafka": "Kafka", "postgresql": "PostgreSQL", "valkey": "Valkey", "opensearch": "OpenSearch"}
