"""The environment variables of libpq, for PostgreSQL's programs that we start. Does not connect."""

from __future__ import annotations

import re
from typing import Final

from clickstream.config.settings import PostgresSettings

_NAME: Final = re.compile("PG[A-Z]+")
"""PGHOST and its like; ours have an underscore."""


def is_variable(name: str) -> bool:
    """Whether libpq may read it."""
    return _NAME.fullmatch(name) is not None


def login(settings: PostgresSettings) -> dict[str, str]:
    """Where the server is and who we are there, the password included."""
    password = {"PGPASSWORD": settings.password.get_secret_value()} if settings.password else {}
    return {
        "PGHOST": settings.host,
        "PGPORT": str(settings.port),
        "PGUSER": settings.user,
        "PGDATABASE": settings.database,
        **password,
    }


def environment(settings: PostgresSettings) -> dict[str, str]:
    """The same, with TLS as the settings say, and unqualified names that mean the pipeline's schema."""
    authorities = {"PGSSLROOTCERT": str(settings.sslrootcert.absolute())} if settings.sslrootcert else {}
    return {
        **login(settings),
        **authorities,
        "PGSSLMODE": settings.sslmode,
        "PGGSSENCMODE": "disable",
        # Quoted, or PostgreSQL would look for small letters; a schema's name holds no quote.
        "PGOPTIONS": f'-c search_path="{settings.schema_name}"',
    }
