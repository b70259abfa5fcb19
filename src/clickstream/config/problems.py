"""Wrong settings, put into words: the variable, the fault of its value, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError


class SettingsError(Exception):
    """One or more settings are wrong; the text has a line for each. Exit code 2."""


def describe(error: ValidationError, values: Mapping[str, str]) -> list[str]:
    """A line for each wrong value in `error`; values of secrets are left out, and so are values that are missing."""
    lines = []
    for fault in error.errors():
        if fault["type"] == "missing":
            continue
        name = str(fault["loc"][0])
        shown = "" if "PASSWORD" in name or name not in values else f"={values[name]}"
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        lines.append(f"{name}{shown}: {message}")
    return lines
