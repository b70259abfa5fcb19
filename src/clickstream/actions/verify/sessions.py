"""Recompute every session from the stored events and compare: the proof behind promises 1 to 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.services.postgres.verify import (
    DAY,
    DIFFERENT,
    DUPLICATE,
    MISSING,
    UNEXPECTED,
    Difference,
    Progress,
    Verification,
)
from clickstream.services.postgres.verify import verify as recompute

__all__ = [
    "DAY",
    "DIFFERENT",
    "DUPLICATE",
    "MISSING",
    "UNEXPECTED",
    "Difference",
    "Verification",
    "document",
    "verify",
]


def verify(settings: Settings, *, progress: Progress = lambda share: None) -> Verification:
    """Raises ClickstreamError when PostgreSQL does not answer or has no tables yet. `progress`: told the share done."""
    return recompute(postgres_of(settings), progress=progress)


def document(verification: Verification) -> dict[str, Any]:
    """As plain data, verdict first; of each example, which it is and which of its columns differ."""
    examples = [
        {"kind": one.kind, "of": describe(one), "columns": one.columns, "stored": one.stored, "expected": one.expected}
        for one in verification.examples
    ]
    return {"ok": verification.ok, **asdict(verification), "examples": examples}


def describe(difference: Difference) -> str:
    """Which session, event or day it is about."""
    row: Mapping[str, Any] = difference.stored or difference.expected or {}
    if difference.kind == DAY:
        return str(row["day"])
    if difference.kind == DUPLICATE:
        return f"{row['event']} of item {row['item_id']} by visitor {row['visitor_id']} at {row['event_time']}"
    return str(row["session_id"])
