"""Finds out whether brokers let us in, and if not, why. Reads and writes no messages.

librdkafka retries forever and says little: it has no error for a listener that speaks another protocol, and only one
for all that can be wrong with a certificate. In these cases we try a handshake of our own with the brokers.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import AdmissionRefused, ClickstreamError, ServiceUnavailable
from clickstream.services.handshake import TIMEOUT, HandshakeFault, Names, refusal, try_tls
from clickstream.services.kafka.config import SERVICE, client_config, is_transient, opening, translate
from clickstream.services.repeat import PATIENCE, repeat

K = TypeVar("K")

GRACE: Final = 1.0
"""Seconds from a first fault to the verdict: another broker, or another try, may do better."""

ANSWERED_GRACE: Final = 10.0
"""The same while some broker answers: it is not the one that we need."""

SILENCE: Final = 10.0
"""Seconds that a command waits for an answer."""

UNREACHABLE: Final = 5.0
"""Seconds that it waits where no broker can be reached at all."""

AGAIN_AFTER: Final = 10.0
"""Seconds between two handshakes of our own."""

_STEP: Final = 0.1

_SILENT: Final = {
    KafkaError._SSL,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
}
"""Errors behind which anything may be."""

_BROKER: Final = re.compile(r"(?:\w+://)?(?P<host>[^/\s]+):(?P<port>\d+)/")

_DEFAULT_PORT: Final = 9092

# Request 18 (what can you do?) in its first version, which every broker answers in plain text or not at all.
_API_VERSIONS: Final = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
_ANSWER: Final = bytes.fromhex("00000001")


class Admission:
    """What one librdkafka client (`note_error` is its error_cb) has met while it connects."""

    def __init__(self, settings: KafkaSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._fault: KafkaError | None = None
        self._since: float | None = None
        self._all_down_since: float | None = None
        self._diagnosed_at = float("-inf")
        self._found: ClickstreamError | None = None
        self.granted = False
        """A broker has let us in: whatever comes later may be a broker that restarts."""

    def note_error(self, error: KafkaError) -> None:
        """Note an error. Contacts no broker."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._fault = error
        elif self._all_down_since is None:
            self._all_down_since = now

    def note_answer(self) -> None:
        """A broker answered: earlier errors no longer count."""
        self._fault = self._since = self._all_down_since = None

    def admit(self) -> None:
        """The brokers that we need have let us in."""
        self.note_answer()
        self.granted = True

    def find_refusal(self) -> ClickstreamError | None:
        """Why no broker lets us in, once that has been so for a while; AdmissionRefused: trying again will not help.

        None while there is nothing to report, and after the first success. Takes some seconds now and then.
        """
        waits = ((self._all_down_since, GRACE), (self._since, ANSWERED_GRACE))
        now = self._clock()
        if self.granted or not any(since is not None and now - since >= wait for since, wait in waits):
            return None
        self._diagnose(None)
        if self._found is None:
            self.note_answer()  # nothing is wrong any more
        return self._found

    def explain(self, error: KafkaError) -> ClickstreamError:
        """The error in our words; asks the broker where the error says too little."""
        if error.code() not in _SILENT:
            return translate(error)
        self._diagnose(error)
        return self._found or translate(self._fault or error)

    def _diagnose(self, error: KafkaError | None) -> None:
        """Find out what is wrong, at most once in AGAIN_AFTER."""
        if self._clock() - self._diagnosed_at < AGAIN_AFTER:
            return
        seen = self._fault or error
        if seen is not None and seen.code() not in _SILENT:
            self._found = translate(seen)
        else:
            hung_up = self._fault is None and self._all_down_since is not None
            self._found = diagnose(self._settings, seen, hung_up=hung_up)
            if self._found is None and seen is not None and seen.code() == KafkaError._SSL:
                self._found = translate(seen)
        self._diagnosed_at = self._clock()


class KafkaClient(AdminClient):
    """An AdminClient whose requests are repeated while the answer passes by itself, and waited for while there is hope.

    Use as a context manager.
    """

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        """Raises AdmissionRefused where librdkafka cannot use the settings."""
        self._admission = Admission(settings)
        with opening(settings):
            super().__init__(client_config(settings, client_id=client_id) | {"error_cb": self._admission.note_error})

    def results(
        self,
        ask: Callable[[float], Mapping[K, Future[Any]]],
        timeout: float | None = None,
        *,
        also: frozenset[int] = frozenset(),
    ) -> dict[K, Any]:
        """What each future of a request brings.

        Args:
            ask: makes the request, which may take the given seconds.
            timeout: seconds for everything; None: SILENCE for an answer, PATIENCE until it is one that is final.
            also: codes of errors that pass by themselves after this request.

        Raises:
            KafkaException: an error that says what it means.
            ServiceUnavailable, AdmissionRefused: no answer in time, or trying further is useless.
        """
        silence, patience = (SILENCE, PATIENCE) if timeout is None else (timeout, timeout)

        def attempt() -> dict[K, Any]:
            deadline = time.monotonic() + silence + 1  # a second later than librdkafka, whose reason says more
            return {key: self._result(future, deadline) for key, future in ask(silence).items()}

        return repeat(attempt, is_transient=partial(is_transient, also=also), within=patience)

    def _result(self, future: Future[Any], deadline: float) -> Any:
        began = time.monotonic()
        try:
            while True:
                with suppress(FutureTimeout):
                    result = future.result(_STEP)
                    self._admission.admit()
                    return result
                self.poll(0)
                found, now = self._admission.find_refusal(), time.monotonic()
                if isinstance(found, AdmissionRefused) or (found and now - began > UNREACHABLE):
                    raise found
                if now > deadline:
                    raise ServiceUnavailable(SERVICE, f"no answer within {now - began:.0f} s")
        except KafkaException as error:
            if error.args[0].code() in _SILENT:
                raise self._admission.explain(error.args[0]) from error
            raise


def diagnose(settings: KafkaSettings, error: KafkaError | None, *, hung_up: bool) -> ClickstreamError | None:
    """What the broker that the error is of (None: the first of all) shows when it is met; None: nothing wrong.

    Takes some seconds at most. `hung_up`: it closes connections and says nothing.
    """
    address = _address(settings, error)
    where = f"{address[0]}:{address[1]}"
    try:
        if settings.security_protocol.endswith("PLAINTEXT"):
            refused = _tls_only(where) if _speaks_tls_only(address) else None
        else:
            refused = _refused_tls(settings, address, where)
    except OSError as away:
        hint = "check KAFKA_BOOTSTRAP_SERVERS, and that the broker runs"
        return ServiceUnavailable(SERVICE, f"{where}: {away.strerror or away}", hint=hint)
    if refused is None and hung_up:
        hint = f"check KAFKA_SECURITY_PROTOCOL={settings.security_protocol}, and the port in KAFKA_BOOTSTRAP_SERVERS"
        return ServiceUnavailable(SERVICE, f"{where} hangs up as soon as it is asked something", hint=hint)
    return refused


def _tls_only(where: str) -> AdmissionRefused:
    hint = "set KAFKA_SECURITY_PROTOCOL to SSL (client certificate) or SASL_SSL (password)"
    return AdmissionRefused(f"{SERVICE} ({where}) speaks TLS only", hint=hint)


def _speaks_tls_only(address: tuple[str, int]) -> bool:
    return not _speaks_plainly(address) and try_tls(address, None) not in {HandshakeFault.NO_TLS, HandshakeFault.OTHER}


def _refused_tls(settings: KafkaSettings, address: tuple[str, int], where: str) -> AdmissionRefused | None:
    files = (settings.ssl_cert_file, settings.ssl_key_file)
    client = (files[0], files[1]) if files[0] and files[1] else None
    fault = try_tls(address, settings.ssl_ca_file, client=client)
    if fault is HandshakeFault.CLIENT_UNKNOWN:
        return _client_unknown(settings)
    if fault is None or (fault is HandshakeFault.NO_TLS and not _speaks_plainly(address)):
        return None  # without TLS and without an answer it may be starting, or stopping
    return refusal(_names(where), fault)


def _names(where: str) -> Names:
    return Names(
        service=f"{SERVICE} ({where})",
        host="KAFKA_BOOTSTRAP_SERVERS",
        switch="KAFKA_SECURITY_PROTOCOL",
        ca="KAFKA_SSL_CA_FILE",
    )


def _client_unknown(settings: KafkaSettings) -> AdmissionRefused:
    if settings.ssl_cert_file:
        return AdmissionRefused(
            f"{SERVICE} does not accept the client certificate in {settings.ssl_cert_file}",
            hint="check KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE: is it this service's, and not expired?",
        )
    return AdmissionRefused(
        f"{SERVICE} demands a client certificate",
        hint="set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE; or, for a password, check KAFKA_SECURITY_PROTOCOL and"
        " the port in KAFKA_BOOTSTRAP_SERVERS",
    )


def _address(settings: KafkaSettings, error: KafkaError | None) -> tuple[str, int]:
    if error and (match := _BROKER.match(error.str())):
        return match["host"].strip("[]"), int(match["port"])
    host, _, port = settings.bootstrap_servers.split(",")[0].strip().rpartition("://")[2].rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (host or port, _DEFAULT_PORT)


def _speaks_plainly(address: tuple[str, int]) -> bool:
    """Whether a broker answers there in plain text. Raises OSError if the address cannot be reached."""
    with socket.create_connection(address, TIMEOUT) as broker:
        try:
            broker.sendall(_API_VERSIONS)
            return broker.recv(8)[4:] == _ANSWER
        except OSError:
            return False
