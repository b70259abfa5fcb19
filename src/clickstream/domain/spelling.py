"""Suggests the name that a misspelt one may mean."""

from __future__ import annotations

from collections.abc import Iterable


def hint(name: str, known: Iterable[str], otherwise: str) -> str:
    """What to say beside "there is no such name": the name that was meant, or else where the names are."""
    from difflib import get_close_matches  # noqa: PLC0415 (most names are right)

    alike = get_close_matches(name, list(known), 1)
    return f"did you mean {alike[0]}?" if alike else otherwise
