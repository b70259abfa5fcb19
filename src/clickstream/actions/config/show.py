"""Lists every setting with its value and its source. Secrets are masked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from pydantic import SecretStr

from clickstream.config.problems import is_secret
from clickstream.config.settings import Settings, variables

MASK = "********"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable."""

    name: str
    value: str | None
    """None: no value."""
    source: str
    """`environment`, `.env`, `embedded` (the embedded stack's own file) or `default`."""
    secret: bool


def show(settings: Settings) -> list[Variable]:
    """All variables, in the settings' order; CLICKSTREAM_HOME comes first."""
    home_source = "environment" if os.environ.get("CLICKSTREAM_HOME") else "default"
    rows = [Variable("CLICKSTREAM_HOME", str(settings.home.root), home_source, secret=False)]
    found = values(settings)
    for name, field in variables().items():
        secret = is_secret(name)
        value = found.get(name)
        if name not in found and not field.is_required() and field.default is not None:
            value = _text(field.default)
        shown = MASK if secret and value else _without_login(value)
        rows.append(Variable(name, shown, settings.sources.get(name, "default"), secret=secret))
    return rows


def values(settings: Settings) -> dict[str, str]:
    """Every variable that has a value, as text that gives the same settings when it is read again. Secrets included."""
    servers = (settings.kafka, settings.postgres, settings.valkey, settings.opensearch)
    sections = (*servers, settings.pipeline, settings.aiven)
    found: dict[str, str] = {}
    for section in sections:
        for name, field in type(section).model_fields.items() if section else ():
            value = getattr(section, name)
            if value is not None:
                found[str(field.alias)] = _text(value)
    return found


def _without_login(value: str | None) -> str | None:
    """An address may hold a user's name and password."""
    return value and re.sub(r"(?<=://)[^/?#\s]*@", f"{MASK}@", value)


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)
