"""How states look: a glyph, a word and a style. Colour never stands alone; red is for what the user has to act on."""

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
class Look:
    """How one state looks."""

    glyph: str
    word: str
    style: str


SERVICE = {
    UP: Look("●", "ok", OKAY),
    ASKING: Look("▲", "asking", BUSY),
    DOWN: Look("✖", "failed", FAILED),
    OFF: Look("◌", "off", DIM),
}

PARTITION = {
    OK: Look("●", OK, OKAY),
    LAGGING: Look("▲", LAGGING, BUSY),
    STALLED: Look("✖", STALLED, FAILED),
    STOPPED: Look("◌", STOPPED, BUSY),
}

HAPPENING = {
    INFO: Look("·", "", ""),
    GOOD: Look("●", "", OKAY),
    WARN: Look("▲", "", BUSY),
    BAD: Look("✖", "", FAILED),
}

NO_ANSWER = Look("✖", "no answer", FAILED)
"""A server whose process runs, and that does not answer."""

TREND = {"growing": "↗", "shrinking": "↘", "steady": "→"}

PROCESS = {
    "starting": Look("▲", "starting", BUSY),
    "running": Look("●", "running", OKAY),
    "backoff": Look("▲", "restarting", BUSY),
    "stopping": Look("▲", "stopping", BUSY),
    "stopped": Look("◌", "stopped", DIM),
    "finished": Look("●", "finished", DIM),
    "failed": Look("✖", "failed", FAILED),
}

ACTIVITY = {
    "idle": Look("●", "idle", OKAY),
    "waiting": Look("▲", "waiting", BUSY),
    "silent": Look("▲", "silent", BUSY),
    "paused": Look("◌", "paused", BUSY),
    "stopping": Look("▲", "stopping", BUSY),
}


def process_look(row: ProcessRow) -> Look:
    """A running worker looks as its own word says."""
    if row.state == "running" and row.activity == SILENT and row.role == "server":
        return NO_ANSWER
    if row.state == "running" and row.activity in ACTIVITY:
        return ACTIVITY[row.activity]
    return PROCESS.get(row.state, Look("?", row.state, BUSY))


def service_look(row: ServiceRow) -> Look:
    """One that is being started looks so; of one that is merely asked for the first time nothing is known yet."""
    if row.state == ASKING and row.error:
        return Look("▲", row.error, BUSY)
    return NO_ANSWER if row.state == DOWN and row.silent else SERVICE[row.state]


TITLES = {"kafka": "Kafka", "postgresql": "PostgreSQL", "valkey": "Valkey", "opensearch": "OpenSearch"}
