"""Cuts of several servers at once lead the workers through relays, one decision at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clickstream.actions.faults import network
from clickstream.actions.faults.catalogue import BY_NAME
from clickstream.actions.faults.context import Context
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot
from clickstream.stack.layout import RELAYS, Layout, save_layout
from tests.changing import replace

RELAY = RELAYS["kafka"]


class Supervisor:
    """Has a consumer, and what it is told to start; notes what happens while the lock of the relays is held."""

    def __init__(self, home: Home) -> None:
        self._lock = home.run / "relays.lock"
        self.names = {"consumer-0": Role.CONSUMER}
        self.environments: list[dict[str, str]] = []
        self.locked: list[tuple[str, bool]] = []

    def _note(self, what: str) -> None:
        held = False
        if self._lock.exists():
            with self._lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held = True
        self.locked.append((what, held))

    def snapshot(self) -> Snapshot:
        processes = tuple(
            ProcessStatus(name=name, role=role, state=ProcessState.RUNNING, pid=1) for name, role in self.names.items()
        )
        return Snapshot(supervisor_pid=1, at=0.0, processes=processes)

    def start(self, specs: list[Any]) -> None:
        for spec in specs:
            self.names[spec.name] = spec.role
            if spec.role is Role.CONSUMER:
                self._note("restart")
                self.environments.append(spec.env)

    def wait(self, *_: object) -> Snapshot:
        return self.snapshot()

    def stop(self, names: list[str]) -> None:
        if RELAY in names:
            self._note("stop relay")

    def remove(self, names: list[str]) -> None:
        for name in names:
            del self.names[name]


@pytest.fixture
def settings(sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    home = Home.from_environment()
    names = ["kafka-controller", "kafka-behind-relay", "postgresql", "valkey", "kafka", *RELAYS.values()]
    layout = replace(Layout.fresh(), ports={name: 20_000 + number for number, name in enumerate(names)})
    home.root.mkdir(parents=True, exist_ok=True)
    save_layout(home, layout)
    monkeypatch.setenv("PG_USER", "mine")
    monkeypatch.setenv("PG_PORT", "7")
    return load_settings()


@pytest.fixture
def cut(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """The supervisor after a cut of Kafka."""
    supervisor = Supervisor(settings.home)

    @contextmanager
    def hold(*_: object) -> Iterator[Snapshot]:
        yield supervisor.snapshot()

    monkeypatch.setattr(network, "hold", hold)
    monkeypatch.setattr(network, "await_end", lambda *_: None)
    monkeypatch.setattr(network, "await_back", lambda *_: supervisor.snapshot())
    monkeypatch.setattr(Context, "control", supervisor)
    network.cut(Context(settings, BY_NAME["cut-kafka"], 1.0, lambda step: None))
    return supervisor


def test_a_relay_goes_before_another_cut_can_lead_workers_through_it(cut: Supervisor) -> None:
    assert cut.locked == [("restart", True), ("restart", True), ("stop relay", True)]
    assert RELAY not in cut.names


def test_what_the_users_own_variables_say_still_counts_behind_a_relay(cut: Supervisor, settings: Settings) -> None:
    through, directly = cut.environments
    assert settings.kafka
    assert through["KAFKA_BOOTSTRAP_SERVERS"] not in {"", settings.kafka.bootstrap_servers}
    assert through["VALKEY_HOST"] == "127.0.0.1"
    assert (through["PG_USER"], through["PG_PORT"]) == ("mine", "7")
    assert directly["KAFKA_BOOTSTRAP_SERVERS"] == ""
