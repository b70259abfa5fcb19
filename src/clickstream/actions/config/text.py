"""Writes a `.env` as text: settings with a value as KEY=value, the others as comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic.fields import FieldInfo

from clickstream.config.settings import (
    SECTIONS,
    KafkaSettings,
    OpenSearchSettings,
    PipelineSettings,
    PostgresSettings,
    ValkeySettings,
)

_TITLES: Final[dict[type, str]] = {
    KafkaSettings: "Kafka, with a client certificate",
    PostgresSettings: "PostgreSQL",
    ValkeySettings: "Valkey; its certificate is one that any system trusts",
    OpenSearchSettings: "OpenSearch; its certificate too",
    PipelineSettings: "Producer and consumers",
}

_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPES: Final = {
    "\\": r"\\", '"': r"\"", "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
}  # fmt: skip


def render(values: Mapping[str, str], headline: str) -> str:
    """The file's text.

    Args:
        values: setting to value; settings that are unknown to us are left out.
        headline: what the file's first lines say, without `#`.
    """
    parts = ["\n".join(f"# {line}".rstrip() for line in headline.splitlines())]
    for section in SECTIONS.values():
        fields = {str(field.alias): field for field in section.model_fields.values()}
        title = _TITLES.get(section, (section.__doc__ or "").strip().rstrip("."))
        lines = [_line(name, field, values.get(name)) for name, field in fields.items()]
        parts.append("\n".join([f"# {title}.", *lines]))
    return "\n\n".join(parts) + "\n"


def quoted(value: str) -> str:
    r"""A value as our reader of `.env` files gives it back, whatever is in it but NUL.

    Single quotes wherever they can be, for within them other readers replace no `$NAME`; double ones, with escapes, for
    control characters, which some readers would take for the line's end.
    """
    if _BARE.fullmatch(value):
        return value
    if _CONTROL.search(value):
        return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'
    return "'" + value.replace("\\", r"\\").replace("'", r"\'") + "'"


def _line(name: str, field: FieldInfo, value: str | None) -> str:
    if value is not None:
        return f"{name}={quoted(value)}"
    default = "" if field.is_required() or field.default is None else field.default
    return f"# {name}={str(default).lower() if isinstance(default, bool) else default}"
