"""The question behind a Frame that goes to OpenSearch, where it is enabled; as sources.py has those to the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream.actions.observe.sources import Gate, Kept, LiveSettings
from clickstream.actions.servers import in_the_stack, opensearch_of
from clickstream.config.settings import Settings

NAME = "opensearch"
SWITCHED_OFF = "off"


@dataclass(frozen=True, slots=True)
class OpenSearchAnswer:
    """What OpenSearch says of itself."""

    latency_ms: float
    version: str


class OpenSearchSource(Kept):
    """Asks how it is."""

    def __init__(self, settings: LiveSettings, gate: Gate, *, patience: float = 0.0) -> None:
        super().__init__(settings, NAME, gate, patience=patience)

    def reason(self, settings: Settings) -> str:
        if not settings.opensearch.enabled:
            return SWITCHED_OFF
        return self.gate(NAME) if in_the_stack(settings) else ""

    def open(self, settings: Settings) -> Any:
        from clickstream.services.opensearch.client import connect, translated  # noqa: PLC0415
        from clickstream.services.opensearch.server import ASKING_TIMEOUT  # noqa: PLC0415

        client = connect(opensearch_of(settings), timeout=ASKING_TIMEOUT, patience=self._patience)
        with translated():
            client.info()  # connecting is no part of the latency
        return client

    def ask(self, settings: Settings, opened: Any) -> OpenSearchAnswer:
        from clickstream.services.opensearch.client import translated  # noqa: PLC0415
        from clickstream.services.opensearch.server import ask  # noqa: PLC0415

        with translated():
            found = ask(opened)
        return OpenSearchAnswer(found.latency_ms, found.version)
