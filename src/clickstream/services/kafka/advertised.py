"""Asks brokers on loopback where they send their clients, before librdkafka follows and logs in there, unencrypted.

SASL_PLAINTEXT is for loopback only; but a client goes to the addresses that brokers tell, as those behind a tunnel do.
librdkafka connects to them at once and has no hook for it, so the question is asked over a connection of our own: log
in at an address that is known to be loopback, ask for the brokers, hang up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import struct
import time
from typing import Final

from clickstream.config import addresses
from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import AdmissionRefused

TIMEOUT: Final = 1.5
"""Seconds that connecting may take, and each answer."""

AGAIN_AFTER: Final = 10.0
"""Seconds until a broker that did not answer is asked again. Why it did not is for librdkafka to find out."""

MOST_ITERATIONS: Final = 100_000
"""Kafka takes 16,384 at most."""

_METADATA, _HANDSHAKE, _AUTHENTICATE = (3, 1), (17, 1), (36, 0)
"""Requests of Kafka's protocol, each with the version that is spoken here."""

_DIGESTS: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}

_asked: dict[tuple[str, ...], float] = {}
"""Until when what was asked counts, by whom and as whom."""


def refuse_elsewhere(settings: KafkaSettings) -> None:
    """Raise AdmissionRefused where brokers send their clients to another machine, and passwords would go unencrypted.

    Takes some milliseconds, once in a process; nothing where no broker answers.
    """
    if settings.security_protocol != "SASL_PLAINTEXT":
        return
    key = (settings.bootstrap_servers, settings.sasl_mechanism, settings.sasl_username or "")
    if time.monotonic() < _asked.get(key, 0.0):
        return
    _asked[key] = time.monotonic() + AGAIN_AFTER
    for address in addresses.broker_addresses(settings.bootstrap_servers):
        try:
            with socket.create_connection(address, TIMEOUT) as connection:
                hosts = _Conversation(connection).brokers(settings)
        except (OSError, ValueError, struct.error):
            continue
        if elsewhere := next((host for host in hosts if not addresses.is_loopback(host)), ""):
            del _asked[key]
            raise AdmissionRefused(
                f"Kafka sends its clients on to {elsewhere}, and KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT is for this"
                " machine's loopback address only",
                hint="use SASL_SSL, or have the broker advertise a loopback address",
            )
        _asked[key] = float("inf")
        return


class _Conversation:
    """One connection to a broker."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def brokers(self, settings: KafkaSettings) -> list[str]:
        """The hosts that this broker tells its clients. Raises OSError or ValueError where it does not let us in."""
        user, mechanism = settings.sasl_username or "", settings.sasl_mechanism
        password = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
        self._succeed(self._ask(_HANDSHAKE, _string(mechanism.encode())))
        if mechanism == "PLAIN":
            self._authenticate(f"\0{user}\0{password}")
        else:
            self._scram(user, password, _DIGESTS[mechanism])
        answer = self._ask(_METADATA, struct.pack("!i", 0))
        (count,), place, hosts = struct.unpack_from("!i", answer), 4, []
        for _ in range(count):
            (size,) = struct.unpack_from("!h", answer, place + 4)
            hosts.append(answer[place + 6 : place + 6 + size].decode())
            place += 10 + size
            (rack,) = struct.unpack_from("!h", answer, place)
            place += 2 + max(rack, 0)
        return hosts

    def _scram(self, user: str, password: str, digest: str) -> None:
        """RFC 5802, without a channel to bind to."""
        nonce = secrets.token_hex(16)
        first = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
        challenge = self._authenticate(f"n,,{first}")
        told = dict(part.split("=", 1) for part in challenge.split(",") if "=" in part)
        iterations = int(told.get("i", 0))
        if not told.get("r", "").startswith(nonce) or "s" not in told or not 0 < iterations <= MOST_ITERATIONS:
            raise ValueError("not a challenge")
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(told["s"]), iterations)
        final = f"c=biws,r={told['r']}"
        key = hmac.digest(salted, b"Client Key", digest)
        signature = hmac.digest(hashlib.new(digest, key).digest(), f"{first},{challenge},{final}".encode(), digest)
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        self._authenticate(f"{final},p={base64.b64encode(proof).decode()}")

    def _authenticate(self, token: str) -> str:
        """What the broker says to it."""
        said = token.encode()
        answer = self._ask(_AUTHENTICATE, struct.pack("!i", len(said)) + said)
        self._succeed(answer)
        (size,) = struct.unpack_from("!h", answer, 2)
        place = 4 + max(size, 0)
        (size,) = struct.unpack_from("!i", answer, place)
        return answer[place + 4 : place + 4 + max(size, 0)].decode()

    def _succeed(self, answer: bytes) -> None:
        if answer[:2] != b"\0\0":
            raise ValueError("refused")

    def _ask(self, request: tuple[int, int], body: bytes) -> bytes:
        head = struct.pack("!hhi", *request, 0) + _string(b"clickstream-admission")
        self._connection.sendall(struct.pack("!i", len(head) + len(body)) + head + body)
        (size,) = struct.unpack("!i", self._exactly(4))
        if not 4 <= size <= 1_000_000:
            raise ValueError("not Kafka")
        return self._exactly(size)[4:]

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            if not (piece := self._connection.recv(size - len(found))):
                raise ConnectionError
            found += piece
        return found


def _string(value: bytes) -> bytes:
    return struct.pack("!h", len(value)) + value
