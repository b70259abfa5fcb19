"""Errors that carry a sentence for people; front ends print only that sentence.

Every error that a user can meet derives from ClickstreamError. Its text says what is wrong; `hint` says what to do.
"""

from __future__ import annotations

from typing import Final

from clickstream.domain.escapes import brief

LONGEST_MESSAGE: Final = 2_000
"""Characters of an error's text that are kept: part of it may be a server's, or a message's."""


class ClickstreamError(Exception):
    """Something a user has to know; printed as one line, exit code 1.

    Part of the text may come from a server or a message, so its controls are escaped: it cannot steer a terminal.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(brief(message, LONGEST_MESSAGE))
        self.hint = brief(hint, LONGEST_MESSAGE)

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} ({self.hint})" if self.hint else message


class UsageError(ClickstreamError):
    """The command was used wrongly or cannot apply to this set-up; exit code 2."""


class ServiceUnavailable(ClickstreamError):
    """A server does not answer; worth another try later."""

    def __init__(self, service: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{service} does not answer: {reason}", hint=hint)
        self.service = service


class ServiceNotReady(ServiceUnavailable):
    """A server answers that it cannot serve now: it starts, recovers, elects a leader or has too much to do."""

    def __init__(self, service: str, reason: str) -> None:
        ClickstreamError.__init__(self, f"{service} is not ready: {reason}")
        self.service = service


class ServiceRefused(ClickstreamError):
    """A server answered and said no for good (wrong credentials, missing database); trying again does not help."""


class AdmissionRefused(ServiceRefused):
    """A server does not let us in: TLS, certificates, user or password."""


class FileFault(ClickstreamError):
    """The file of events cannot be read as one, whatever is tried again; it needs another file, or a change to it."""


class OffsetLost(ClickstreamError):
    """Kafka no longer holds (or not yet holds) the offset at which a partition must go on. Needs a human."""


class BatchInvalidated(Exception):
    """What was prepared cannot be stored as it is: read the offset again and prepare it again."""


class OffsetMoved(BatchInvalidated):
    """Another consumer has moved this partition's offset: what was prepared on the old one cannot be stored."""


class Interrupted(ClickstreamError):
    """The user asked to stop; exit code 130."""
