"""When a broker that does not let us in is believed, and what is said of it; without any broker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from confluent_kafka import KafkaError

from clickstream.config.settings import KafkaSettings, PostgresSettings
from clickstream.domain.errors import AdmissionRefused, ServiceUnavailable
from clickstream.services.kafka.admission import AGAIN_AFTER, ANSWERED_GRACE, GRACE, Admission, diagnose
from clickstream.services.postgres import sqlstate
from clickstream.services.postgres.connection import connect

WRONG_PASSWORD = KafkaError(
    KafkaError._AUTHENTICATION,
    "sasl_ssl://kafka.example.com:9093/bootstrap: SASL authentication error: no (after 305ms in state AUTH_REQ)",
)
ALL_DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def settings(address: str, protocol: str = "PLAINTEXT") -> KafkaSettings:
    return KafkaSettings.model_validate({"KAFKA_BOOTSTRAP_SERVERS": address, "KAFKA_SECURITY_PROTOCOL": protocol})


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """An address where every connection is answered like this and closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                client, _ = listener.accept()
                with client:
                    if not client.recv(1):
                        return
                    answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with socket.create_connection(listener.getsockname()):
            pass
        thread.join(10)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(settings("kafka.example.com:9093", "SASL_SSL"), clock=clock)


def test_a_refusal_counts_when_it_lasts_and_no_broker_is_left(admission: Admission, clock: Clock) -> None:
    admission.note_error(WRONG_PASSWORD)
    clock.now += ANSWERED_GRACE / 2
    assert admission.find_refusal() is None, "another broker may let us in"
    admission.note_error(ALL_DOWN)
    assert admission.find_refusal() is None, "the next try may do better"
    clock.now += GRACE
    found = admission.find_refusal()
    assert isinstance(found, AdmissionRefused)
    assert found.args[0] == "Kafka refused: SASL authentication error: no"
    assert "KAFKA_SASL_PASSWORD" in found.hint


def test_a_refusal_counts_in_the_end_though_some_broker_answers(admission: Admission, clock: Clock) -> None:
    admission.note_error(WRONG_PASSWORD)
    clock.now += ANSWERED_GRACE
    assert isinstance(admission.find_refusal(), AdmissionRefused)


def test_whom_a_broker_let_in_is_never_refused_by_one_that_restarts(admission: Admission, clock: Clock) -> None:
    admission.note_error(ALL_DOWN)
    admission.admit()
    admission.note_error(WRONG_PASSWORD)
    admission.note_error(ALL_DOWN)
    clock.now += ANSWERED_GRACE
    assert admission.find_refusal() is None


def test_a_broker_is_not_asked_all_the_time(clock: Clock) -> None:
    connections: list[socket.socket] = []
    with server(connections.append) as address:
        admission = Admission(settings(address), clock=clock)
        admission.note_error(ALL_DOWN)
        clock.now += GRACE
        first = admission.find_refusal()
        asked = len(connections)
        assert asked
        assert admission.find_refusal() is first
        assert len(connections) == asked
        clock.now += AGAIN_AFTER
        admission.find_refusal()
        assert len(connections) > asked


def test_what_was_heard_of_a_broker_that_is_well_again_counts_no_more(clock: Clock) -> None:
    with server(lambda client: client.sendall(bytes.fromhex("0000000600000001"))) as address:
        admission = Admission(settings(address), clock=clock)
        admission.note_error(KafkaError(KafkaError._TRANSPORT, f"{address}/1: Connect failed"))
        admission.note_error(ALL_DOWN)
        clock.now += GRACE
        assert admission.find_refusal() is None
    clock.now += ANSWERED_GRACE
    assert admission.find_refusal() is None


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_SSL"])
def test_one_that_only_hangs_up_may_be_starting(protocol: str) -> None:
    with server(lambda client: client.close()) as address:
        found = diagnose(settings(address, protocol), ALL_DOWN, hung_up=True)
    assert isinstance(found, ServiceUnavailable)
    assert f"{address} hangs up" in str(found)
    assert f"KAFKA_SECURITY_PROTOCOL={protocol}" in found.hint


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_where_no_server_listens_it_is_the_address_that_is_named(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
    found = diagnose(settings(address, protocol), ALL_DOWN, hung_up=True)
    assert isinstance(found, ServiceUnavailable)
    assert f"{address}: Connection refused" in str(found)
    assert "KAFKA_BOOTSTRAP_SERVERS" in found.hint


def test_the_broker_of_the_error_is_asked_and_not_the_first_of_the_settings() -> None:
    with server(lambda client: client.sendall(b"HTTP/1.1 400 Bad Request")) as address:
        error = KafkaError(KafkaError._SSL, f"ssl://{address}/2: SSL handshake failed: nothing clear")
        found = diagnose(settings("127.0.0.1:1", "SSL"), error, hung_up=False)
    assert found is None, "no broker, and no TLS: nothing is known"


@pytest.mark.parametrize(
    ("attempts", "states", "variable"),
    [
        (("no entry for host, no encryption", "password authentication failed"), ["28000", "28P01"], "PG_PASSWORD"),
        (("Connection refused", 'database "x" does not exist'), ["3D000"], "PG_DATABASE"),
        (('root certificate file "/root.crt" does not exist',), [], "PG_SSLROOTCERT"),
    ],
)
def test_the_attempt_that_tells_most_is_the_one_that_is_told(
    attempts: tuple[str, ...], states: list[str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of libpq's tries is told of: without TLS, or at another address of the host."""

    def refuse(**_: object) -> None:
        raise psycopg.OperationalError("connection failed: " + "\n".join(attempts))

    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr(sqlstate, "why_refused", lambda *_: states)
    with pytest.raises(AdmissionRefused) as caught:
        connect(PostgresSettings.model_validate({"PG_HOST": "p"}), application_name="tests")
    assert variable in caught.value.hint
    assert attempts[-1] in caught.value.args[0]
    assert "\n" not in str(caught.value)
