"""Checks the form of addresses before a driver sees them: a URL that was pasted into one may hold a password.

Messages never repeat a value.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

DEFAULT_PORT: Final = 9092
"""The one that librdkafka takes for a broker without."""

_LABELS: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?")
_PROTOCOLS: Final = ("PLAINTEXT://", "SSL://", "SASL_SSL://", "SASL_PLAINTEXT://")
"""What librdkafka takes before a broker's address."""


def host(value: str) -> str:
    """A host name or an IP address. Raises ValueError."""
    if "://" in value or "@" in value:
        raise ValueError("is a URL or holds a login; give the host's name alone")
    if any(letter.isspace() for letter in value):
        raise ValueError("holds a blank; give the host's name alone")
    if value.startswith("["):
        raise ValueError("has brackets; write an IPv6 address without them")
    if _is_ip_address(value):
        return value
    if ":" in value:
        raise ValueError("holds a port; give the host's name alone, and the port in its own variable")
    if "," in value:
        raise ValueError("names several hosts; give one")
    if not _LABELS.fullmatch(value):
        raise ValueError("does not have the form of a host name; give a name such as db.example.com, or an IP address")
    return value


def host_or_socket(value: str) -> str:
    """A host, or the folder of a Unix socket, by its absolute path. Raises ValueError."""
    return value if value.startswith("/") and "@" not in value and "://" not in value else host(value)


def brokers(value: str) -> str:
    """host:port, several separated by commas; blanks around them go. Raises ValueError."""
    addresses = [address.strip() for address in value.split(",")]
    for address in addresses:
        name, port = _split(_bare(address))
        host(name)
        if port is not None and not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
            raise ValueError("has a port that is not a number from 1 to 65535; give host:port, several by commas")
    return ",".join(addresses)


def broker_protocols(value: str) -> set[str]:
    """The protocols that stand before addresses of brokers; the client would speak those, whatever else is set."""
    return {one.removesuffix("://") for address in value.split(",") for one in _PROTOCOLS if address.startswith(one)}


def broker_addresses(value: str) -> list[tuple[str, int]]:
    """Host and port of each of these brokers."""
    pairs = [_split(_bare(address)) for address in value.split(",")]
    return [(host_name, int(port) if port else DEFAULT_PORT) for host_name, port in pairs]


def are_loopback(value: str) -> bool:
    """Whether all these brokers are on this machine's loopback address."""
    return all(is_loopback(_split(_bare(address))[0]) for address in value.split(","))


def is_loopback(host_name: str) -> bool:
    """Whether this host is this machine, over its loopback address."""
    try:
        found = ipaddress.ip_address(host_name)
    except ValueError:
        return host_name.lower().removesuffix(".") == "localhost"
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def name(value: str) -> str:
    """A user or a database. Raises ValueError where it is a URL."""
    if "://" in value:
        raise ValueError("is a URL; give the name alone")
    return value


def _bare(address: str) -> str:
    return next((address.removeprefix(one) for one in _PROTOCOLS if address.startswith(one)), address)


def _split(address: str) -> tuple[str, str | None]:
    if address.startswith("["):
        inner, bracket, rest = address[1:].partition("]")
        if not bracket or not _is_ip_address(inner) or (rest and not rest.startswith(":")):
            raise ValueError("has brackets that hold no IPv6 address; write [::1]:9092")
        return inner, rest[1:] if rest else None
    if "@" in address or "://" in address or _is_ip_address(address):
        return address, None
    host_name, colon, port = address.rpartition(":")
    return (host_name, port) if colon else (address, None)


def _is_ip_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
