"""Reads SQL that is too long for Python code. sql/NAME.sql, without a number, is a query and not a migration."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> bytes:
    """The text of sql/NAME.sql."""
    return files("clickstream.services.postgres").joinpath("sql", f"{name}.sql").read_bytes()
