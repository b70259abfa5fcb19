"""Checks that the embedded servers can work in their folders, before anything is written.

Their configuration holds no path (see java.py), so nearly any name works. The others are refused here and by the home
itself (config/paths.py), each in a sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clickstream.config.paths import Home, cache_folder, fault_of
from clickstream.domain.errors import ClickstreamError
from clickstream.stack import accounts, wheels

_SHELL: Final = '"$`\\'
"""What means something to a shell between double quotes: initdb runs its neighbours so."""

_PLACEHOLDER: Final = "${"
"""In OpenSearch's settings it begins the name of another one; the node's folder is one of them."""


def refuse_unusable(home: Home, *, opensearch: bool) -> None:
    """Raise ClickstreamError where a server could not work in the home, or out of the cache or the installation."""
    cache, postgresql, java = (
        folder.resolve() for folder in (cache_folder(), *map(wheels.folder, (wheels.POSTGRESQL, wheels.JAVA)))
    )
    if fault := fault_of(cache) or _fault_of_class_path(cache):
        raise ClickstreamError(f"the path of the cache {fault}", hint="set XDG_CACHE_HOME to another folder")
    if opensearch and _PLACEHOLDER in str(home.root) and not accounts.is_root():
        raise ClickstreamError(
            f"the path of the home holds {_PLACEHOLDER}, which OpenSearch takes for the name of a setting",
            hint="set CLICKSTREAM_HOME to another folder, or do without it: `clickstream stack up --no-opensearch`",
        )
    fault = fault_of(postgresql) or _held(postgresql, _SHELL, "PostgreSQL's own tools give to a shell")
    if fault := fault or fault_of(java) or _held(java, ":", "Java takes for the end of a path"):
        raise ClickstreamError(
            f"the embedded servers cannot run where clickstream is installed: the path {fault}",
            hint="install it in another folder",
        )


def _fault_of_class_path(folder: Path) -> str:
    """Java makes URLs of its jars: one that is in a jar begins after `!/`, and the code of a letter has two bytes."""
    if any(part.endswith("!") for part in folder.parts):
        return "has a folder whose name ends in !, which Java takes for the end of a jar's name"
    if any(ord(letter) > 0xFFFF for letter in str(folder)):
        return "holds a letter beyond the 65,536 that Java can find a jar by, such as an emoji"
    return ""


def _held(folder: Path, letters: str, by: str) -> str:
    found = next((letter for letter in letters if letter in str(folder)), "")
    return f"holds {found}, which {by}" if found else ""
