"""Describes wrong settings: the variable, what is wrong with its value, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import ValidationError

from clickstream.config.identifiers import odd_characters

_MAY_HOLD_A_LOGIN: Final = re.compile(r"@|://|=|.{100}", re.DOTALL)
"""In a value that is not repeated, whatever variable it is in: a URL, a list of words, something long."""


class SettingsError(Exception):
    """One or more settings are wrong; the text has a line for each. Exit code 2."""


def describe(error: ValidationError, values: Mapping[str, str]) -> list[str]:
    """A line for each wrong value in `error`; values of secrets are left out, and so are values that are missing."""
    lines = []
    for fault in error.errors():
        if fault["type"] == "missing":
            continue
        name = str(fault["loc"][0])
        shown = "" if is_secret(name) or name not in values else f"={_shown(values[name])}"
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        lines.append(f"{name}{shown}: {message}")
    return lines


def described_characters(values: Mapping[str, str]) -> list[str]:
    """A line for each value with characters that no server and no terminal should get to see."""
    # A password may be anything; a token may not: it travels in a header.
    kinds = {name: {"secret": "PASSWORD" in name, "path": name.endswith(("_FILE", "_SSLROOTCERT"))} for name in values}
    found = {name: odd_characters(value, **kinds[name]) for name, value in values.items()}
    return [f"{name}: {fault}" for name, fault in found.items() if fault]


def is_secret(name: str) -> bool:
    """Whether this variable's value is never shown."""
    return "PASSWORD" in name or "TOKEN" in name


def file_values(path: Path) -> dict[str, str | None]:
    """The variables of a file of KEY=value lines; none where there is no such file. Raises SettingsError."""
    try:
        return dotenv_values(path, interpolate=False)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error


def _shown(value: str) -> str:
    return "…" if _MAY_HOLD_A_LOGIN.search(value) else value
