"""The state of each server, from its answers, how long it has been silent, and the state of its process. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clickstream.actions.observe.model import ASKING, DOWN, NO_ANSWER, OFF, UP, ServiceRow, ServiceState
from clickstream.actions.observe.poll import PollResult
from clickstream.actions.observe.sources import SWITCHED_OFF
from clickstream.config.settings import Settings
from clickstream.domain.processes import ProcessState, Snapshot

if TYPE_CHECKING:
    from clickstream.actions.observe.answers import Answers

ONE_FAULT = 2.0
"""Seconds after an answer within which a single fault is not yet believed."""


def addresses(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Where the services are asked; those only that are configured."""
    found = {"kafka": settings.kafka.bootstrap_servers} if settings.kafka else {}
    if settings.postgres:
        found["postgresql"] = f"{settings.postgres.host}:{settings.postgres.port}/{settings.postgres.database}"
    if settings.valkey:
        found["valkey"] = f"{settings.valkey.host}:{settings.valkey.port}"
    if settings.opensearch.enabled:
        found["opensearch"] = f"{settings.opensearch.host}:{settings.opensearch.port}"
    return tuple(found.items())


def why_not_ask(snapshot: Snapshot | None, name: str) -> str:
    """Why this embedded server should not be asked now; empty: ask."""
    process = snapshot.get(name) if snapshot else None
    if process is None:
        return "the embedded server is not running"
    words = {
        ProcessState.STARTING: "starting",
        ProcessState.STOPPING: "stopping",
        ProcessState.STOPPED: "the embedded server is stopped",
        ProcessState.FINISHED: "the embedded server has ended",
        ProcessState.FAILED: f"the embedded server failed: {process.exit_reason}",
        ProcessState.BACKOFF: f"the embedded server died and will be started again: {process.exit_reason}",
    }
    return words.get(process.state, "")


def service_rows(
    settings: Settings, answers: Answers, before: Iterable[ServiceRow], now: float
) -> tuple[ServiceRow, ...]:
    """All servers, in the order of SERVICES."""
    earlier = {row.name: row for row in before}
    result: dict[str, PollResult[Any]] = {
        "kafka": answers.kafka,
        "postgresql": answers.postgres,
        "valkey": answers.valkey,
        "opensearch": answers.opensearch,
    }
    rows = []
    for name, one in result.items():
        if name == "opensearch" and not settings.opensearch.enabled:
            rows.append(ServiceRow(name, OFF, error=SWITCHED_OFF))
            continue
        state, error = _state_of(name, one, answers, now)
        answer = one.value if state in {UP, DOWN} else None
        rows.append(
            ServiceRow(
                name,
                state,
                _since(earlier.get(name), state, one, now),
                version=answer.version if answer else None,
                latency_ms=answer.latency_ms if answer and state == UP else None,
                error=error,
            )
        )
    return tuple(rows)


def _state_of(name: str, result: PollResult[Any], answers: Answers, now: float) -> tuple[ServiceState, str]:
    if result.skipped:
        process = answers.snapshot.get(name) if answers.snapshot else None
        if process and process.state in {ProcessState.FAILED, ProcessState.BACKOFF}:
            return DOWN, result.skipped
        if process and process.state in {ProcessState.STARTING, ProcessState.RUNNING}:
            return ASKING, "starting"
        return OFF, result.skipped
    if result.error and now - result.at > ONE_FAULT:
        return DOWN, result.error
    if result.asked_at is not None and (answers.waited_out or result.silent_for(now) > answers.silent_after):
        return DOWN, NO_ANSWER
    return (UP, "") if result.at else (ASKING, "")


def _since(before: ServiceRow | None, state: ServiceState, result: PollResult[Any], now: float) -> float:
    if before and before.state == state and before.since:
        return before.since
    return result.asked_at if state == DOWN and result.asked_at else now
