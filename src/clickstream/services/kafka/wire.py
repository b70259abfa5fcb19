"""A connection of our own to one broker, for requests that the driver does not have: TLS, login, a request, its answer.

Raises OSError or ValueError for every failure: its callers can do without the answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final

from clickstream.config.settings import KafkaSettings

Address = tuple[str, int]

TIMEOUT: Final = 1.0
"""Seconds that connecting may take, and each answer."""

LONGEST_ANSWER: Final = 2**20

MOST_ITERATIONS: Final = 65_536
"""Of a password's hash; Kafka allows fewer. A server that asks for more would only keep us busy."""

_NAME: Final = b"clickstream-wire"
_SASL_HANDSHAKE, _SASL_AUTHENTICATE = 17, 36
_SASL_HANDSHAKE_VERSION: Final = 1
_DIGESTS: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class BrokerConnection:
    """One broker, logged in; use as a context manager."""

    def __init__(self, settings: KafkaSettings, address: Address) -> None:
        self._correlation = 0
        self._socket = _connected(settings, address)
        try:
            if settings.security_protocol.startswith("SASL_"):
                self._log_in(settings)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> BrokerConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, kind: int, body: bytes, *, version: int = 0, tags: bytes = b"") -> bytes:
        """What follows the correlation id in the answer. `tags`: what ends the header of a flexible version."""
        self._correlation += 1
        header = struct.pack(">hhih", kind, version, self._correlation, len(_NAME)) + _NAME + tags
        self._socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        length = struct.unpack(">i", self._exactly(4))[0]
        if not 4 <= length <= LONGEST_ANSWER:
            raise ValueError(f"an answer of {length} bytes")
        answer = self._exactly(length)
        if struct.unpack(">i", answer[:4])[0] != self._correlation:
            raise ValueError("an answer to something else")
        return answer[4:]

    def _log_in(self, settings: KafkaSettings) -> None:
        mechanism, user = settings.sasl_mechanism, settings.sasl_username or ""
        password = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
        name = mechanism.encode()
        agreed = self.request(_SASL_HANDSHAKE, struct.pack(">h", len(name)) + name, version=_SASL_HANDSHAKE_VERSION)
        if agreed[:2] != b"\0\0":
            raise ValueError(f"the broker does not know {mechanism}")
        if mechanism == "PLAIN":
            self._authenticate(b"\0" + user.encode() + b"\0" + password.encode())
        else:
            scram(_DIGESTS[mechanism], user, password, self._authenticate)

    def _authenticate(self, said: bytes) -> bytes:
        """What the broker says to that."""
        answer = self.request(_SASL_AUTHENTICATE, struct.pack(">i", len(said)) + said)
        error, words = struct.unpack_from(">hh", answer.ljust(4, b"\0"))
        if error:
            raise ValueError("the broker refuses the login")
        at = 4 + max(0, words)
        (length,) = struct.unpack_from(">i", answer[at:].ljust(4, b"\0"))
        return answer[at + 4 : at + 4 + max(0, length)]

    def _exactly(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            if not (more := self._socket.recv(count - len(received))):
                raise ValueError("the broker hung up")
            received += more
        return bytes(received)


def scram(digest: str, user: str, password: str, say: Callable[[bytes], bytes], *, nonce: str = "") -> None:
    """Log in as RFC 5802 has it: the password is not sent, and the other side proves that it knows of it.

    Raises ValueError where it does not.
    """
    nonce = nonce or secrets.token_urlsafe(24)
    escaped = user.replace("=", "=3D").replace(",", "=2C")
    bare = f"n={escaped},r={nonce}"
    first = say(f"n,,{bare}".encode()).decode()
    fields = dict(part.partition("=")[::2] for part in first.split(","))
    iterations = int(fields.get("i", "0"))
    if not fields.get("r", "").startswith(nonce) or not 0 < iterations <= MOST_ITERATIONS:
        raise ValueError("an answer that is not of this login")
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields.get("s", "")), iterations)

    def signed(key: bytes, text: bytes) -> bytes:
        return hmac.digest(key, text, digest)

    without_proof = f"c=biws,r={fields['r']}"
    conversation = f"{bare},{first},{without_proof}".encode()
    key = signed(salted, b"Client Key")
    signature = signed(hashlib.new(digest, key).digest(), conversation)
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    last = say(f"{without_proof},p={base64.b64encode(proof).decode()}".encode())
    expected = b"v=" + base64.b64encode(signed(signed(salted, b"Server Key"), conversation))
    if not hmac.compare_digest(last.split(b",")[0], expected):
        raise ValueError("a broker that does not know the password")


def _connected(settings: KafkaSettings, address: Address) -> socket.socket:
    plain = socket.create_connection(address, TIMEOUT)
    if not settings.security_protocol.endswith("SSL"):
        return plain
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file)
        if settings.ssl_cert_file:
            context.load_cert_chain(settings.ssl_cert_file, settings.ssl_key_file)
        return context.wrap_socket(plain, server_hostname=address[0])
    except BaseException:
        plain.close()
        raise
