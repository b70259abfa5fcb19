"""The servers' settings, or an error where none is configured; and asking several servers at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from clickstream.actions.control import running
from clickstream.config.settings import KafkaSettings, OpenSearchSettings, PostgresSettings, Settings, ValkeySettings
from clickstream.domain.errors import ClickstreamError
from clickstream.stack.wheels import missing


class NoServerConfigured(ClickstreamError):
    """No server is configured, and the embedded stack was never started."""

    def __init__(self) -> None:
        super().__init__(
            "no servers yet: nothing is configured and the embedded stack was never started",
            hint=f"{'' if missing() else '`clickstream stack up` starts one; or '}"
            "set KAFKA_BOOTSTRAP_SERVERS, PG_HOST and VALKEY_HOST",
        )


def kafka_of(settings: Settings) -> KafkaSettings:
    if settings.kafka is None:
        raise NoServerConfigured
    return settings.kafka


def postgres_of(settings: Settings) -> PostgresSettings:
    if settings.postgres is None:
        raise NoServerConfigured
    return settings.postgres


def valkey_of(settings: Settings) -> ValkeySettings:
    if settings.valkey is None:
        raise NoServerConfigured
    return settings.valkey


def in_the_stack(settings: Settings) -> bool:
    """OpenSearch, where it is enabled, is the embedded stack's, and not one that has an address in the settings."""
    return settings.embedded and settings.sources.get("OPENSEARCH_HOST", "embedded") == "embedded"


def opensearch_of(settings: Settings) -> OpenSearchSettings:
    """Raises ClickstreamError where it should be the embedded stack's, which does not have one yet."""
    if in_the_stack(settings) and "OPENSEARCH_HOST" not in settings.sources:
        raise ClickstreamError(
            "OpenSearch is not part of the embedded stack yet", hint="`clickstream stack up` adds it"
        )
    return settings.opensearch


STACK_UP: Final = (
    "this installation has none: set KAFKA_BOOTSTRAP_SERVERS, PG_HOST and VALKEY_HOST"
    if missing()
    else "`clickstream stack up` starts it"
)


def stack_is_down(settings: Settings) -> bool:
    """The servers are the embedded ones, and nothing of this home runs: that is why they do not answer."""
    return settings.embedded and running(settings.home) is None


class Questions:
    """Questions asked all at once, each in a thread of its own; an answer that is late is not waited for.

    Given an iterator, each is asked as soon as it comes: the next one's driver is loaded while a server thinks.
    """

    def __init__(self, questions: Iterable[tuple[str, Callable[[], Any]]]) -> None:
        self._answers: dict[str, Any] = {}
        self._errors: dict[str, Exception] = {}
        self._threads: dict[str, threading.Thread] = {}
        for name, question in questions:
            thread = threading.Thread(target=self._ask, args=(name, question), name=f"ask-{name}", daemon=True)
            self._threads[name] = thread
            thread.start()
        self._started = time.monotonic()

    def has(self, name: str) -> bool:
        """Whether this question was asked."""
        return name in self._threads

    def answer(self, name: str, deadline: float) -> Any:
        """The answer, waited for until `deadline` seconds after the asking.

        Raises:
            ClickstreamError: the question's own, or that no answer came in time.
        """
        self._threads[name].join(max(0.0, self._started + deadline - time.monotonic()))
        if error := self._errors.get(name):
            raise error
        if name not in self._answers:
            raise ClickstreamError(f"no answer within {deadline:g} s")
        return self._answers[name]

    def _ask(self, name: str, question: Callable[[], Any]) -> None:
        try:
            self._answers[name] = question()
        except Exception as error:
            self._errors[name] = error
