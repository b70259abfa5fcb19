"""What surrounds a worker does not decide what it runs: the modules of its folder, the settings of another time."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from clickstream.actions.metrics.serve import serve
from clickstream.actions.processes import consumers
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError


@pytest.mark.usefixtures("workers_stop")
def test_modules_in_the_working_folder_are_not_run(settings: Settings) -> None:
    for name in ("queue", "json", "random", "msgspec", "clickstream"):
        Path(f"{name}.py").write_text("raise SystemExit('this is somebody else')\n")
    assert consumers.start(settings, count=1).started == ("consumer-0",)
    (consumer,) = consumers.list_workers(settings)
    assert (consumer.state, consumer.restarts) == ("running", 0)


@pytest.mark.usefixtures("workers_stop")
def test_consumers_that_run_with_other_settings_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    consumers.start(settings, count=1)
    assert consumers.start(settings, count=1).kept == ("consumer-0",)
    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "10")
    with pytest.raises(ClickstreamError, match=r"consumer-0 .* other settings .*CONSUMER_BATCH_SIZE \(.*restart"):
        consumers.start(load_settings(), count=2)
    assert len(consumers.list_workers(settings)) == 1
    consumers.restart(load_settings())
    assert consumers.start(load_settings(), count=1).kept == ("consumer-0",)


def test_a_load_balancer_may_ask_for_the_head_alone(settings: Settings) -> None:
    stop, address = threading.Event(), []
    announced = threading.Event()

    def announce(where: str) -> None:
        address.append(where)
        announced.set()

    told = {"host": "127.0.0.1", "port": 0, "announce": announce, "stop": stop}
    thread = threading.Thread(target=serve, args=(lambda: settings,), kwargs=told)
    thread.start()
    try:
        assert announced.wait(30)
        with urlopen(Request(address[0], method="HEAD"), timeout=30) as answer:
            assert (answer.status, answer.read()) == (200, b"")
        with urlopen(address[0], timeout=30) as answer:
            assert b"clickstream_" in answer.read()
    finally:
        stop.set()
        thread.join(30)
