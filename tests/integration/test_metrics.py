"""Prometheus' figures over real servers: served, printed, and as a process of the supervisor."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clickstream.actions.control import running
from clickstream.actions.metrics import serve as metrics
from clickstream.actions.observe.model import Frame
from clickstream.actions.observe.once import Observer
from clickstream.actions.processes import consumers
from clickstream.actions.processes.by_name import freeze
from clickstream.cli.main import run as clickstream
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import UsageError
from tests.feed import all_committed, send, shop
from tests.waiting import wait_until

EVENTS = 2_000

Samples = dict[str, list[tuple[dict[str, str], float]]]


def parsed(text: str) -> Samples:
    """Name to labels and value of each series."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(found: Samples, name: str) -> float:
    return sum(value for _, value in found[name])


@contextmanager
def served() -> Iterator[str]:
    """The address, on any free port, for as long as the block runs."""
    stop, told, addresses = threading.Event(), threading.Event(), []

    def announce(address: str) -> None:
        addresses.append(address)
        told.set()

    def serve() -> None:
        metrics.serve(load_settings, host="127.0.0.1", port=0, announce=announce, stop=stop)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert told.wait(10)
        yield addresses[0]
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def fetch(address: str) -> Samples:
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return parsed(answer.read().decode())


@pytest.mark.slow
def test_a_scrape_tells_what_was_stored_and_goes_on_when_a_server_hangs(settings: Settings, workers_stop: None) -> None:
    consumers.start(settings, count=1)
    events = shop(91, EVENTS)
    send(settings, [*events, ("1", b"no event")])
    wait_until(lambda: all_committed(settings), "everything committed")
    with served() as address:
        wait_until(
            lambda: total(fetch(address), "clickstream_commit_latency_seconds_count") > 0, "the worker has reported"
        )
        found = fetch(address)
        assert total(found, "clickstream_messages_produced_total") == EVENTS + 1
        assert total(found, "clickstream_messages_processed_total") == EVENTS + 1
        assert total(found, "clickstream_lag_messages") == 0
        assert len(found["clickstream_partition_lag_messages"]) == 3
        assert total(found, "clickstream_rejects_open") == 1
        wait_until(lambda: total(fetch(address), "clickstream_events_stored_total") == EVENTS, "counted again")
        assert total(found, "clickstream_commit_latency_seconds_sum") > 0
        up = {labels["service"]: value for labels, value in found["clickstream_service_up"]}
        assert up == {"kafka": 1, "postgresql": 1, "valkey": 1}
        [worker] = [labels for labels, _ in found["clickstream_worker_batches_total"]]
        assert (worker["process"], worker["role"]) == ("consumer-0", "consumer")
        freeze(settings, "postgresql", frozen=True)
        try:
            wait_until(
                lambda: ({"service": "postgresql"}, 0.0) in fetch(address)["clickstream_service_up"], "it is missed"
            )
            found = fetch(address)
            assert "clickstream_lag_messages" not in found
            assert total(found, "clickstream_messages_produced_total") == EVENTS + 1
        finally:
            freeze(settings, "postgresql", frozen=False)
        wait_until(lambda: "clickstream_lag_messages" in fetch(address), "it is back")


def test_many_scrapers_cost_one_sample(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = Observer._sample

    def counting(observer: Observer) -> Frame:
        looks.append(1)
        return look(observer)

    monkeypatch.setattr(Observer, "_sample", counting)
    monkeypatch.setattr(metrics, "FRESH_FOR", 60.0)
    with served() as address:
        threads = [threading.Thread(target=fetch, args=(address,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert looks == [1]


def test_a_port_that_is_taken_is_said(settings: Settings) -> None:
    with served() as address:
        port = int(address.rpartition(":")[2].partition("/")[0])
        with pytest.raises(UsageError, match=f"nothing can listen on 127.0.0.1:{port}"):
            metrics.serve(load_settings, host="127.0.0.1", port=port, announce=print, stop=threading.Event())


def test_the_supervisor_serves_them_when_asked(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert clickstream(["metrics", "--supervised", "--port", port]) == 0
    try:
        address = f"http://127.0.0.1:{port}/metrics"
        assert address in capsys.readouterr().err
        found = fetch(address)
        servers = {labels["process"] for labels, _ in found["clickstream_process_up"] if labels["role"] == "server"}
        assert servers == {"kafka", "postgresql", "valkey", "metrics"}
        assert clickstream(["metrics", "--supervised", "--port", port]) == 0, "in place of the one before"
    finally:
        assert clickstream(["worker", "stop", "metrics"]) == 0
        control = running(settings.home)
        assert control
        control.remove(["metrics"])


def test_once_prints_them(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert clickstream(["metrics", "--once"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert total(parsed(shown.out), "clickstream_service_up") == 3
    assert clickstream(["metrics", "--once", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name": "clickstream_service_up", "labels": {"service": "kafka"}, "value": 1.0} in found
