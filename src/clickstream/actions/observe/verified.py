"""The result of the last verify, kept as long as the data it was about exists. Sends no requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickstream.actions.observe.answers import Answers
    from clickstream.actions.observe.model import Figure
    from clickstream.services.postgres.verify import Verification


class LastVerification:
    """Remembers which topic the verify was about, and whether its data has gone since."""

    def __init__(self) -> None:
        self._told: Figure[Verification] | None = None
        self._topic_id: str | None = None
        self._outlived = False

    def current(self, answers: Answers) -> Figure[Verification] | None:
        """What the last verify found; None: there was none, or its data is gone."""
        told, kafka = answers.verification, answers.kafka.value
        if told is not self._told:
            self._told, self._topic_id, self._outlived = told, None, False
        if told is None or self._outlived:
            return None
        if kafka and answers.kafka.at >= told.at:
            self._topic_id = self._topic_id or kafka.topic_id
            self._outlived = kafka.topic_id != self._topic_id
        self._outlived = self._outlived or _less_stored(told, answers)
        return None if self._outlived else told


def _less_stored(told: Figure[Verification], answers: Answers) -> bool:
    """Whether there is less by now than was verified: only a reset takes away."""
    postgres, counts = answers.postgres, answers.counts
    if told.value.events and postgres.value and postgres.at > told.at and not any(postgres.value.offsets.values()):
        return True
    return counts is not None and counts.at > told.at and counts.value.events < told.value.events
