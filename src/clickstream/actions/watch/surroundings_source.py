"""The question behind a Frame about what is around the topic: a source of its own, as the answer may take long."""

from __future__ import annotations

from typing import Any

from clickstream.actions.watch.sources import ASKING_TIMEOUT, Gate, Kept, LiveSettings
from clickstream.config.settings import Settings
from clickstream.domain.obstacles import Surroundings

EVERY = 3.0
"""Seconds between two questions, each of which is four requests or so."""

SHARE = 0.3
"""Of the time that asking may take at most: a group without a coordinator takes ASKING_TIMEOUT each time."""


class SurroundingsSource(Kept):
    """Asks for the topic's settings, the members of our groups, and open transactions."""

    def __init__(self, settings: LiveSettings, gate: Gate) -> None:
        super().__init__(settings, "kafka", gate)

    def open(self, settings: Settings) -> Any:
        from clickstream.actions.lag.surroundings import groups_of  # noqa: PLC0415
        from clickstream.actions.servers import kafka_of  # noqa: PLC0415
        from clickstream.services.kafka.surroundings import SurroundingsReader  # noqa: PLC0415

        return SurroundingsReader(kafka_of(settings), groups_of(settings), timeout=ASKING_TIMEOUT)

    def ask(self, settings: Settings, opened: Any) -> Surroundings | None:
        found: Surroundings | None = opened.read()
        return found

    def close(self, opened: Any) -> None:
        opened.__exit__(None, None, None)
