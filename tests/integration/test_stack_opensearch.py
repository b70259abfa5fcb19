"""The embedded OpenSearch: real node, real supervisor. It comes when asked for, keeps what it took, and goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from opensearchpy import OpenSearch, helpers

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.observe.model import UP
from clickstream.actions.observe.once import observe
from clickstream.actions.observe.watcher import Watcher
from clickstream.config.paths import Home
from clickstream.config.settings import load_settings
from clickstream.domain.errors import UsageError
from clickstream.domain.processes import ProcessState
from clickstream.services.opensearch.client import connect
from clickstream.services.opensearch.server import await_yellow
from clickstream.stack import accounts
from clickstream.stack.layout import OPENSEARCH, SERVERS, load_layout
from clickstream.stack.lockfile import read_lock
from clickstream.stack.opensearch import relocated
from tests.searching import search_stack_in

pytestmark = pytest.mark.slow  # a node takes its time to start, and the first run downloads it

INDEX = "kept"
DOCUMENTS = 500
VERSION = read_lock("opensearch")[0].version


@pytest.fixture(scope="module")
def own_home(shelter: Path) -> Iterator[Home]:
    with search_stack_in(shelter / "stack-search") as home:
        layout = load_layout(home)
        assert layout
        yield home
    assert not relocated(layout).exists()
    assert not home.data.exists()


@pytest.fixture
def home(own_home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CLICKSTREAM_HOME", str(own_home.root))
    return own_home


@pytest.fixture
def client(home: Home) -> Iterator[OpenSearch]:
    """To a node that runs, and that holds acknowledged documents."""
    stack.up(home, opensearch=True)
    with connect(load_settings().opensearch) as client:
        actions = ({"_index": INDEX, "_id": str(number), "number": number} for number in range(DOCUMENTS))
        helpers.bulk(client, actions)
        yield client


def documents() -> int:
    with connect(load_settings().opensearch) as client:
        client.indices.refresh(index=INDEX)
        return int(client.count(index=INDEX)["count"])


def node(home: Home) -> psutil.Process:
    [server] = [server for server in stack.status(home).servers if server.name == OPENSEARCH]
    return psutil.Process(server.pid)


def test_it_is_one_of_the_servers_and_the_settings_lead_to_it(home: Home, client: OpenSearch) -> None:
    found = stack.status(home)
    assert [server.name for server in found.servers] == [*SERVERS, OPENSEARCH]
    assert found.running
    told = stack.env(home)
    settings = load_settings().opensearch
    assert told["OPENSEARCH_ENABLED"] == "true"
    assert (settings.enabled, settings.host, settings.port) == (True, "127.0.0.1", int(told["OPENSEARCH_PORT"]))
    assert client.info()["version"]["number"] == VERSION


def test_it_listens_on_the_loopback_address_only(home: Home, client: OpenSearch) -> None:
    listening = [one for one in node(home).net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
    assert len(listening) == 2


def test_it_does_not_run_as_root_and_its_data_is_its_own(home: Home, client: OpenSearch) -> None:
    layout = load_layout(home)
    assert layout
    data = (relocated(layout) if accounts.is_root() else home.data / OPENSEARCH) / "data"
    uid = node(home).uids().real
    assert uid != 0
    assert (data.stat().st_uid, data.stat().st_mode & 0o077) == (uid, 0)


def test_acknowledged_documents_survive_kill_9(home: Home, client: OpenSearch) -> None:
    control = running(home)
    assert control
    killed = node(home).pid
    os.kill(killed, signal.SIGKILL)
    for snapshot in control.watch():
        process = snapshot.get(OPENSEARCH)
        if process and process.state is ProcessState.RUNNING and process.pid != killed:
            break
    await_yellow(load_settings().opensearch, 60.0)
    assert documents() == DOCUMENTS


def test_status_and_the_frame_show_it_as_the_others(home: Home, client: OpenSearch) -> None:
    found = observe(load_settings).service(OPENSEARCH)
    assert (found.state, found.version, found.error) == (UP, VERSION, "")
    assert found.latency_ms
    with Watcher(load_settings) as watcher:
        row = next(row for frame in watcher.frames() if (row := frame.service(OPENSEARCH)).state == UP)
    assert (row.version, row.error) == (VERSION, "")
    assert row.latency_ms


@pytest.mark.slow  # the whole stack goes down and up, and the node twice
@pytest.mark.usefixtures("client")
def test_it_is_remembered_until_it_is_switched_off_and_keeps_its_documents(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stack.env(home)
    assert OPENSEARCH in stack.down(home).stopped
    assert stack.up(home).started == (*SERVERS, OPENSEARCH)
    assert stack.env(home) == told
    assert documents() == DOCUMENTS
    off = stack.up(home, opensearch=False)
    assert (off.started, off.stopped) == ((), (OPENSEARCH,))
    assert [server.name for server in off.servers] == list(SERVERS)
    assert not load_settings().opensearch.enabled
    assert not stack.up(home).started
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    assert stack.up(home).started == (OPENSEARCH,)
    assert documents() == DOCUMENTS


@pytest.mark.parametrize(
    ("variables", "wanted", "words"),
    [
        ({"OPENSEARCH_ENABLED": "true"}, False, r"OPENSEARCH_ENABLED=true \(environment\) says the opposite"),
        ({"OPENSEARCH_ENABLED": "false"}, True, r"OPENSEARCH_ENABLED=false \(environment\) says the opposite"),
        ({"OPENSEARCH_HOST": "search.example"}, True, "OPENSEARCH_HOST names a server of your own"),
    ],
)
def test_settings_that_say_the_opposite_are_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: bool, words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=words):
        stack.up(home, opensearch=wanted)


def test_a_server_of_ones_own_brings_no_embedded_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.up(home, opensearch=False)
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    monkeypatch.setenv("OPENSEARCH_HOST", "search.example")
    assert stack.up(home).started == ()
    assert not load_layout(home).opensearch  # type: ignore[union-attr]
