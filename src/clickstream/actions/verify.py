"""Recompute every session from the stored events and compare: the proof behind promises 1 to 3."""

from __future__ import annotations

from dataclasses import asdict

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.services.postgres.verify import Verification
from clickstream.services.postgres.verify import verify as recompute

__all__ = ["Verification", "document", "verify"]


def verify(settings: Settings) -> Verification:
    """Raises ClickstreamError when PostgreSQL does not answer or has no tables yet."""
    return recompute(postgres_of(settings))


def document(verification: Verification) -> dict[str, bool | int]:
    """As plain data, verdict first."""
    return {"ok": verification.ok, **asdict(verification)}
