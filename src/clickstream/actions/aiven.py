"""Asks Aiven for the state of the services in use.

It is asked in parallel with the servers and never waited for longer than they are; if it fails, no command fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError

if TYPE_CHECKING:
    from clickstream.actions.servers import Questions
    from clickstream.services.aiven.api import AivenService

QUESTION = "aiven"

WITHIN = 2.0
"""Seconds after which its answer is not waited for."""

KINDS = {"kafka": {"kafka"}, "postgresql": {"pg"}, "valkey": {"valkey", "redis"}, "opensearch": {"opensearch"}}
"""Our name of a service to Aiven's names of its type."""


@dataclass(frozen=True, slots=True)
class AivenWord:
    """What Aiven says of one service. At most one of both is set; neither where Aiven is not asked."""

    state: str | None = None
    """`RUNNING`, `REBUILDING`, `REBALANCING`, `POWEROFF`."""
    error: str | None = None
    """Why the state is not known."""


def question(settings: Settings) -> Iterator[tuple[str, Callable[[], tuple[AivenService, ...]]]]:
    """The question with its name, to be asked beside others; none where no token or no project is set."""
    token, project = settings.aiven.api_token, settings.aiven.project_name
    if token and project:
        yield QUESTION, lambda: _ask(token.get_secret_value(), project)


def words(settings: Settings, questions: Questions) -> dict[str, AivenWord]:
    """By service, for those in use; empty where Aiven was not asked. Never raises."""
    if not questions.has(QUESTION):
        return {}
    project = settings.aiven.project_name or ""
    used = {name: hosts for name, hosts in hosts_of(settings).items() if hosts}
    try:
        services = questions.answer(QUESTION, WITHIN)
    except ClickstreamError as error:
        return {name: AivenWord(error=str(error)) for name in used}
    except Exception as error:  # a fault of ours must not cost the status
        return {name: AivenWord(error=f"internal error: {type(error).__name__}") for name in used}
    return match(services, used, project)


def match(services: Iterable[AivenService], used: Mapping[str, set[str]], project: str) -> dict[str, AivenWord]:
    """Each service that we use, found by its type and one of its host names (small letters)."""
    listed = tuple(services)
    found = {}
    for name, hosts in used.items():
        states = [one.state for one in listed if one.kind in KINDS[name] and hosts & one.hosts]
        found[name] = AivenWord(states[0]) if states else AivenWord(error=f"not among the services of {project}")
    return found


def _ask(token: str, project: str) -> tuple[AivenService, ...]:
    from clickstream.services.aiven.api import list_services  # noqa: PLC0415 (in its thread: it loads an HTTP client)

    return list_services(token, project, timeout=WITHIN)


def hosts_of(settings: Settings) -> dict[str, set[str]]:
    """The host names by which each service is reached; none where it is not in use."""
    kafka = settings.kafka.bootstrap_servers.split(",") if settings.kafka else ()
    single = {"postgresql": settings.postgres, "valkey": settings.valkey}
    hosts = {name: {server.host.lower()} if server else set() for name, server in single.items()}
    search = settings.opensearch
    return {
        "kafka": {address.strip().rpartition(":")[0].lower() for address in kafka},
        **hosts,
        "opensearch": {search.host.lower()} if search.enabled else set(),
    }
