"""Servers as in a cloud: the whole pipeline over TLS with passwords; and for each thing that can be wrong, one clear
line that names the variable to look at, soon and without a secret in it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from clickstream.actions import stack
from clickstream.actions.control import ensure
from clickstream.actions.processes.workers import consumer_spec
from clickstream.cli.main import run
from clickstream.config.paths import Home
from clickstream.config.problems import SettingsError
from clickstream.config.settings import load_settings
from clickstream.services.kafka.admin import create_topic
from clickstream.services.kafka.config import client_config
from clickstream.services.kafka.surroundings import SurroundingsReader
from clickstream.services.kafka.wire import BrokerConnection
from clickstream.services.postgres.connection import connect
from tests.certificates import certificates
from tests.feed import KINDS, all_committed, check, shop
from tests.oracle import Event
from tests.tls import Relays, secure_kafka
from tests.tls_cases import CASES, REFUSED_AT_ONCE, SLOW_CASES, WRONG_PASSWORD, Case, Cloud, on
from tests.waiting import wait_until

SOON = 60
"""Seconds within which every command must have ended; on a quiet machine they take two or three."""


@pytest.fixture(scope="module")
def cloud(stack_home: Home, shelter: Path) -> Iterator[Cloud]:
    made = certificates(shelter / "certificates")
    plain = stack.env(stack_home)
    postgres, valkey = int(plain["PG_PORT"]), int(plain["VALKEY_PORT"])
    shown = {"server": made.server, "expired": made.expired, "elsewhere": made.elsewhere}
    with secure_kafka(Home(shelter / "secure"), made) as kafka, Relays() as relays:
        yield Cloud(
            made=made,
            kafka=kafka,
            stack=plain,
            postgres={name: relays.postgresql(postgres, pair) for name, pair in shown.items()} | {"plain": postgres},
            valkey={name: relays.valkey(valkey, pair) for name, pair in shown.items()} | {"plain": valkey},
        )


@pytest.fixture
def home(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home of its own for the workers, and the settings of the cloud."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    own = Home(tmp_path / "clickstream")
    settings = load_settings()
    assert settings.kafka
    assert settings.postgres
    create_topic(settings.kafka)
    yield own
    stack.down(own)
    with connect(settings.postgres, application_name="tests") as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {cloud.unique} CASCADE")


def clickstream(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clickstream", *arguments]
    return subprocess.run(command, env=os.environ | changed, capture_output=True, text=True, timeout=SOON, check=False)


def answer(*arguments: str) -> Any:
    done = clickstream(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def csv_of(events: list[Event], path: Path) -> Path:
    lines = [f"{event.time_ms},{event.visitor_id},{KINDS[event.kind]},{event.item_id}," for event in events]
    path.write_text("timestamp,visitorid,event,itemid,transactionid\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "by_password",
    [pytest.param(False, id="client certificate"), pytest.param(True, id="SCRAM")],
)
def test_the_whole_pipeline(
    cloud: Cloud, home: Home, by_password: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (cloud.by_password() if by_password else {}).items():
        monkeypatch.setenv(name, value)
    events = shop(21, 2000)
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(csv_of(events, tmp_path / "events.csv")))
    assert answer("config", "check")["ok"]
    assert len(answer("consumer", "start")["started"]) == 3
    answer("producer", "start")
    settings = load_settings()
    wait_until(lambda: len(events) == answer("producer", "status")["events"], "all events sent")
    wait_until(lambda: all_committed(settings), "everything committed")
    status = answer("status")
    assert {name for name, service in status["services"].items() if service["ok"]} == {"kafka", "postgresql", "valkey"}
    verified = answer("verify")
    assert (verified["ok"], verified["events"]) == (True, len(events))
    check(settings, events)
    said = "".join(file.read_text() for file in home.logs.iterdir())
    assert "Traceback" not in said
    assert not [secret for secret in cloud.secrets if secret in said]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("by_password", [pytest.param(False, id="client certificate"), pytest.param(True, id="SCRAM")])
def test_who_has_an_open_transaction_is_told_over_tls(
    cloud: Cloud, by_password: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a connection of our own, which checks the broker's certificate and logs in as the driver does."""
    for name, value in (cloud.by_password() if by_password else {}).items():
        monkeypatch.setenv(name, value)
    kafka = load_settings().kafka
    assert kafka
    config = client_config(kafka, client_id="billing") | {"transactional.id": "billing"}
    producer = Producer(config)
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(kafka.events_topic, b"{}", partition=1)
    assert producer.flush(30) == 0
    with SurroundingsReader(kafka, ()) as reader:
        found = reader.read()
    producer.abort_transaction(30)
    assert found
    assert found.unstable.keys() == {1}
    assert found.producers == {1: "billing"}
    elsewhere = cloud.kafka.address("ELSEWHERE").rpartition(":")
    with pytest.raises(ssl.SSLCertVerificationError):
        BrokerConnection(kafka, (elsewhere[0], int(elsewhere[2])))


def change(case: Case, cloud: Cloud, patch: pytest.MonkeyPatch) -> None:
    for name, value in case.changed(cloud).items():
        patch.setenv(name, value)


def complaints(text: str, case: Case, cloud: Cloud) -> list[str]:
    """What is said beside the course of things: every line names the variable, and no secret."""
    lines = [line for line in text.splitlines() if " INFO " not in line]
    assert lines
    assert all(case.variable in line for line in lines), text
    assert not [secret for secret in cloud.secrets if secret in text]
    return lines


def assert_failed_clearly(done: subprocess.CompletedProcess[str], case: Case, cloud: Cloud) -> None:
    assert done.returncode == 1
    assert not (done.stdout and done.stderr), "a command says it on stderr, a worker in its log"
    assert len(complaints(done.stdout + done.stderr, case, cloud)) == 1


def assert_found(done: subprocess.CompletedProcess[str], case: Case) -> None:
    """`config check` found this and nothing else."""
    assert done.returncode == 1
    assert not done.stderr
    found = json.loads(done.stdout)
    assert not found["ok"]
    failed = [one for one in found["checks"] if one["state"] == "failed"]
    assert [one["name"] for one in failed] == [case.service]
    assert case.variable in failed[0]["message"] + failed[0]["hint"]
    assert len((failed[0]["message"] + failed[0]["hint"]).splitlines()) == 1


def said_by_worker(variable: str, log: Path) -> str:
    """What a consumer that goes on endlessly says until it has named the variable, and at its end."""
    command = [sys.executable, "-m", "clickstream", "worker", "consumer", "--name", "worker"]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: variable in log.read_text(), f"{variable} is named", evidence=log.read_text)
        finally:
            process.terminate()
    assert process.returncode == 0
    return log.read_text()


def error_of(case: Case, status: Any) -> str:
    service = status["services"][case.service]
    assert not service["ok"]
    return str(service["error"])


@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW_CASES)], ids=str
)
def test_what_is_wrong_is_said_in_one_line(
    case: Case, cloud: Cloud, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(case, cloud, monkeypatch)
    file = csv_of(shop(22, 10), tmp_path / "events.csv")
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(file))
    with ThreadPoolExecutor() as pool:
        checked = pool.submit(clickstream, "config", "check", "--json")
        status = pool.submit(clickstream, "status", "--json")
        if case.service == "valkey":  # which nothing needs: the worker goes on without it, and says so
            said = pool.submit(said_by_worker, case.variable, tmp_path / "worker.log")
            lines = complaints(said.result(), case, cloud)
            assert len({"heartbeat not" in line for line in lines}) == len(lines), "each consequence once"
        else:
            started = pool.submit(clickstream, "consumer", "start")
            worker = pool.submit(clickstream, "worker", "consumer", "--name", "worker")
            for done in (started, worker):
                assert_failed_clearly(done.result(), case, cloud)
        if case.service == "kafka":
            producer = pool.submit(clickstream, "worker", "producer", "--file", str(file))
            assert_failed_clearly(producer.result(), case, cloud)
    assert_found(checked.result(), case)
    error = error_of(case, json.loads(status.result().stdout))
    if error.startswith("no answer"):  # a busy machine: ask again, alone
        error = error_of(case, json.loads(clickstream("status", "--json").stdout))
    assert case.variable in error


@pytest.mark.slow
def test_a_broker_that_hangs_up_on_another_protocol(
    cloud: Cloud, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing, as a server that starts may, so workers wait; a command that asks says where to look."""
    case = Case("certificate for a server that wants a password", "kafka", "KAFKA_SECURITY_PROTOCOL", on("SCRAM"))
    change(case, cloud, monkeypatch)
    assert_found(clickstream("config", "check", "--json"), case)
    assert_failed_clearly(clickstream("consumer", "start"), case, cloud)
    assert len(complaints(said_by_worker(case.variable, tmp_path / "worker.log"), case, cloud)) == 1


@pytest.mark.slow
def test_a_broker_of_another_name_behind_the_first(
    cloud: Cloud, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first lets us in and sends us on, so that workers may have begun; their last word is as clear as ever."""
    case = Case("broker of another name behind the first", "kafka", "KAFKA_BOOTSTRAP_SERVERS", on("DETOUR"))
    change(case, cloud, monkeypatch)
    file = csv_of(shop(23, 10), tmp_path / "events.csv")
    for worker in (["consumer", "--name", "worker"], ["producer", "--file", str(file)]):
        done = clickstream("worker", *worker)
        assert done.returncode == 1
        assert complaints(done.stdout.splitlines()[-1], case, cloud)
    assert_found(clickstream("config", "check", "--json"), case)
    assert_failed_clearly(clickstream("consumer", "start"), case, cloud)


def test_a_supervisor_tells_why_its_worker_ended(cloud: Cloud, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.by_password(KAFKA_SASL_PASSWORD=WRONG_PASSWORD).items():
        monkeypatch.setenv(name, value)
    control = ensure(home)
    control.start([consumer_spec(load_settings(), "consumer-0")])
    reasons = (process.exit_reason for snapshot in control.watch() for process in snapshot.processes)
    reason = next(reason for reason in reasons if reason)
    assert reason.startswith("exit code 1: ")
    assert "KAFKA_SASL_PASSWORD" in reason
    assert WRONG_PASSWORD not in reason


@pytest.mark.parametrize("case", REFUSED_AT_ONCE, ids=str)
def test_what_cannot_be_right_is_refused_before_any_server_is_asked(
    case: Case, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    change(case, cloud, monkeypatch)
    for command in (["config", "check"], ["worker", "consumer", "--name", "worker"]):
        assert run(command) == 2
        printed = capsys.readouterr()
        assert not printed.out
        assert printed.err.startswith(f"clickstream: {case.variable}")
        assert len(complaints(printed.err, case, cloud)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = tmp_path / "ca.pem"
    locked.write_bytes(cloud.made.ca.read_bytes())
    locked.chmod(0)
    monkeypatch.setenv("PG_SSLROOTCERT", str(locked))
    with pytest.raises(SettingsError, match=r"PG_SSLROOTCERT=.*: cannot be read: Permission denied"):
        load_settings()
