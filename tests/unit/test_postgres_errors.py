"""Which of PostgreSQL's refusals are waited out, and which end the work."""

from __future__ import annotations

import psycopg
import pytest

from clickstream.domain.errors import ServiceRefused, ServiceUnavailable
from clickstream.services.postgres.connection import translated


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (psycopg.OperationalError("server closed the connection"), ServiceUnavailable),
        (psycopg.errors.DiskFull("could not extend file: No space left on device"), ServiceUnavailable),
        (psycopg.errors.InternalError_("could not extend file: File too large"), ServiceUnavailable),
        (psycopg.errors.AdminShutdown("terminating connection"), ServiceUnavailable),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), ServiceUnavailable),
        (psycopg.errors.InsufficientPrivilege("permission denied for table events"), ServiceRefused),
        (psycopg.errors.UndefinedTable('relation "events" does not exist'), ServiceRefused),
        (psycopg.errors.CheckViolation("violates check constraint"), psycopg.errors.CheckViolation),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_an_error_becomes(error: psycopg.Error, becomes: type[Exception]) -> None:
    with pytest.raises(becomes), translated():
        raise error
