"""Repeats a failed TLS handshake to find out why it failed, and describes the reason; shared by the services.

librdkafka and libpq report an unknown authority, an expired certificate and a wrong name alike. Sends no secret.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from clickstream.domain.errors import AdmissionRefused

TIMEOUT: Final = 1.5
"""Seconds that connecting may take, and each answer."""

_ALERT_SECONDS: Final = 0.3
"""A server may refuse our certificate only after the handshake, in place of its first answer."""

_OUT_OF_DATE: Final = {9, 10}
"""OpenSSL's codes of a verification: not valid yet, and not any more."""

_OTHER_NAME: Final = {62, 64}
"""The same: the certificate is for another host, or another address."""

_CLIENT_SIGNS: Final = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")
"""Alerts of a server that rejects the client's certificate; up to TLS 1.2 the last may also mean that none was sent."""

_FOREIGN_SIGNS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "EOF", "HTTP")
"""In what OpenSSL says of an answer that is not TLS."""


class HandshakeFault(Enum):
    """What keeps a client and a server from speaking TLS with one another."""

    OUT_OF_DATE = auto()
    UNTRUSTED = auto()
    """The authority that issued the server's certificate is not known here."""
    OTHER_NAME = auto()
    CLIENT_UNKNOWN = auto()
    """The server demands a certificate of the client, and got none or one that it does not accept."""
    NO_TLS = auto()
    """Whatever answers speaks something else, or hangs up."""
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Names:
    """A service, and its variables for what can be wrong."""

    service: str
    host: str
    """The variable that names the server."""
    switch: str
    """The variable that asks for TLS."""
    ca: str


def fault_of(error: BaseException | None) -> HandshakeFault | None:
    """What went wrong, where the error, or one that it came from, is of TLS; None where it is of something else."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OUT_OF_DATE:
            return HandshakeFault.OUT_OF_DATE
        return HandshakeFault.OTHER_NAME if error.verify_code in _OTHER_NAME else HandshakeFault.UNTRUSTED
    if error is None:
        return None
    reason = str(error.reason)
    if "ALERT" in reason:
        return HandshakeFault.CLIENT_UNKNOWN if any(sign in reason for sign in _CLIENT_SIGNS) else HandshakeFault.OTHER
    return HandshakeFault.NO_TLS if any(sign in reason for sign in _FOREIGN_SIGNS) else HandshakeFault.OTHER


def try_tls(
    address: tuple[str, int],
    ca_file: Path | None,
    *,
    client: tuple[Path, Path] | None = None,
    check_name: bool = True,
    before: Callable[[socket.socket], None] | None = None,
) -> HandshakeFault | None:
    """Shake hands with the server at `address`; None where that went well.

    Args:
        address: host and port.
        ca_file: the authorities to trust; None: those of this machine.
        client: our certificate and its key.
        check_name: whether the certificate must be for that host.
        before: what is to be said in plain text first.

    Raises:
        OSError: it cannot be reached.
    """
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    context.check_hostname = check_name
    if client:
        context.load_cert_chain(*client, password="")  # given, or OpenSSL would ask the terminal for one
    with socket.create_connection(address, TIMEOUT) as plain:
        try:
            if before:
                before(plain)
            secure = context.wrap_socket(plain, server_hostname=address[0])
        except ssl.SSLError as error:
            return fault_of(error)
        except (TimeoutError, ConnectionError):
            return HandshakeFault.NO_TLS
    with secure:
        return _refused_afterwards(secure)


def _refused_afterwards(secure: ssl.SSLSocket) -> HandshakeFault | None:
    secure.settimeout(_ALERT_SECONDS)
    try:
        secure.recv(1)
    except ssl.SSLError as error:
        return fault_of(error)
    except OSError:
        pass  # silence: it waits for a request
    return None


def refusal(names: Names, fault: HandshakeFault) -> AdmissionRefused:
    """The fault in words, with the variables to look at."""
    service, ca = names.service, names.ca
    words = {
        HandshakeFault.OUT_OF_DATE: (
            f"the certificate of {service}, or of its authority, has expired or is not valid yet",
            f"have it renewed; else check {names.host}, {ca} and this machine's clock",
        ),
        HandshakeFault.UNTRUSTED: (
            f"the certificate of {service} was issued by an authority that is not trusted here",
            f"set {ca} to the CA certificate that comes with the service",
        ),
        HandshakeFault.OTHER_NAME: (
            f"the certificate of {service} is for another name",
            f"set {names.host} to the name that the certificate bears",
        ),
        HandshakeFault.CLIENT_UNKNOWN: (f"{service} does not accept our certificate", "check the client certificate"),
        HandshakeFault.NO_TLS: (
            f"{service} was asked to speak TLS and does not",
            f"check {names.switch}, and {names.host} with its port",
        ),
        HandshakeFault.OTHER: (
            f"the TLS handshake with {service} failed",
            f"check {names.host}, {names.switch} and {ca}",
        ),
    }
    message, hint = words[fault]
    return AdmissionRefused(message, hint=hint)
