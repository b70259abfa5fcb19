"""Checks names that go to servers, and the characters of values. Pure; reads no setting."""

from __future__ import annotations

import re
from typing import Final

_SCHEMA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_INDEX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""Python holds a byte of the environment that is not UTF-8 as one of these."""


def schema(value: str) -> str:
    """A schema of PostgreSQL that can be made and found. Raises ValueError."""
    if not _SCHEMA.fullmatch(value):
        raise ValueError("must be letters, digits and _ (not a digit first, at most 63), such as clickstream")
    if value.lower().startswith("pg_") or value.lower() == "information_schema":
        raise ValueError("is kept for PostgreSQL itself; take another, such as clickstream")
    return value


def topic(value: str) -> str:
    """A topic of Kafka, or a group, for which we keep the same rule. Raises ValueError."""
    if not _TOPIC.fullmatch(value) or value in {".", ".."}:
        raise ValueError("must be 1 to 249 letters, digits, '.', '_' or '-', such as clickstream-events")
    return value


def index(value: str) -> str:
    """An index of OpenSearch. Raises ValueError."""
    if not _INDEX.fullmatch(value):
        raise ValueError("must be small letters, digits, '.', '_' or '-', at most 200, such as clickstream-events")
    return value


def odd_characters(value: str, *, secret: bool = False, path: bool = False) -> str:
    """What is wrong with a value's characters; empty where nothing is.

    Args:
        value: the value of any variable.
        secret: it is a password, which may hold any character but NUL.
        path: it is a file's path, which may be any bytes.
    """
    if "\0" in value or (not secret and CONTROL.search(value)):
        return "holds a control character; write it without"
    if not path and _SURROGATE.search(value):
        return "is not UTF-8 text; write it in UTF-8"
    return ""
