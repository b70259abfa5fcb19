"""Two hosts' worth of consumers, each under a supervisor of its own, on one Kafka, PostgreSQL and Valkey.

They share the partitions of one group; each sees the whole group; when one dies at once, the other takes over.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import pytest

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.processes import consumers
from clickstream.actions.verify import sessions as verify
from clickstream.config.paths import Home
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from tests.feed import all_committed, check, query, send, shop
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # `make test-all` and CI run them; the everyday run is to stay under twelve minutes

EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Host:
    """A CLICKSTREAM_HOME without servers, whose settings name those of another one."""

    home: Home
    environment: dict[str, str]

    def answer(self, *line: str, code: int = 0) -> Any:
        """What a command prints there as JSON."""
        command = [sys.executable, "-m", "clickstream", *line, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    def processes(self) -> list[psutil.Process]:
        """Its supervisor and its workers."""
        control = running(self.home)
        assert control
        snapshot = control.snapshot()
        pids = [snapshot.supervisor_pid, *(process.pid for process in snapshot.processes if process.pid)]
        return [psutil.Process(pid) for pid in pids]

    def die(self) -> None:
        """As a host does whose power fails: everything at the same instant."""
        ending = self.processes()
        for process in ending:  # so that none sees another one's end
            process.send_signal(signal.SIGSTOP)
        for process in ending:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(ending, timeout=10)


@pytest.fixture
def hosts(settings: Settings, stack_home: Home, tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    pair = []
    for name in ("a", "b"):
        home = Home(tmp_path / name)
        (tmp_path / f"work-{name}").mkdir()
        environment = dict(os.environ) | stack.env(stack_home)
        environment |= {"CLICKSTREAM_HOME": str(home.root), "CONSUMER_BATCH_SIZE": "100"}
        pair.append(Host(home, environment))
    yield pair[0], pair[1]
    for host in pair:
        with suppress(ClickstreamError):
            if control := running(host.home):
                control.shutdown()


def owners(host: Host) -> dict[int, str | None]:
    return {one["partition"]: one["owner"] for one in host.answer("lag")["partitions"]}


def stored(settings: Settings) -> int:
    return int(query(settings, "SELECT count(*) FROM events")[0][0])


def test_two_hosts_share_the_partitions_and_each_sees_the_whole_group(
    settings: Settings, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = hosts
    a.answer("consumer", "start", "--count", "2")
    b.answer("consumer", "start", "--count", "1")
    events = shop(61, EVENTS, visitors=400)
    send(settings, events)
    wait_until(lambda: all_committed(settings), "everything committed")

    def shares(host: Host) -> dict[int, list[int]]:
        """Process id to partitions."""
        return {worker["pid"]: worker["partitions"] for worker in host.answer("status")["workers"]}

    wait_until(lambda: sorted(map(len, shares(a).values())) == [1, 1, 1], "each has one partition")
    assert shares(a) == shares(b)
    assert sorted(chain(*shares(a).values())) == [0, 1, 2]
    assert sum(worker["local"] for worker in a.answer("status")["workers"]) == 2
    assert sum(worker["local"] for worker in b.answer("status")["workers"]) == 1
    for host, own in ((a, 2), (b, 1)):
        found = owners(host)
        assert sum(owner is not None and " on " not in owner for owner in found.values()) == own
        assert all(owner and owner.startswith("consumer-") for owner in found.values())
    for host in hosts:
        assert host.answer("status")["lag"]["partitions"] == {"0": 0, "1": 0, "2": 0}
    refused = a.answer("data", "reset", "-y", code=1)
    assert "consumer-0, consumer-1, consumer-0 on " in refused
    a.answer("consumer", "stop")
    assert "workers are running: consumer-0 on " in a.answer("data", "reset", "-y", code=1)
    check(settings, events)


@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_host_dies_the_other_one_takes_over(settings: Settings, hosts: tuple[Host, Host], victim: int) -> None:
    dying, staying = hosts[victim], hosts[1 - victim]
    dying.answer("consumer", "start", "--count", "2")
    staying.answer("consumer", "start", "--count", "1")
    events = shop(62 + victim, EVENTS, visitors=400)
    send(settings, events[: EVENTS // 2])
    wait_until(lambda: stored(settings) > 500, "in the middle")
    dying.die()
    send(settings, events[EVENTS // 2 :])
    wait_until(lambda: all_committed(settings), "the other one has stored everything")
    assert set(owners(staying).values()) == {"consumer-0"}
    assert staying.answer("verify")["ok"]
    dying.answer("consumer", "start", "--count", "1")  # it comes back as if nothing had been
    staying.answer("consumer", "rewind", "--to", "earliest")
    wait_until(lambda: all_committed(settings), "both have read everything again")
    for host in hosts:
        host.answer("consumer", "stop")
    check(settings, events)
    assert verify.verify(settings).ok
    assert not consumers.list_workers(settings)
