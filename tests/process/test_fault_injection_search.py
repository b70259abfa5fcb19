"""Faults of OpenSearch against a real pipeline with an indexer: reverted, and the index proved whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream.actions import stack
from clickstream.actions.control import running
from clickstream.actions.faults import proof
from clickstream.actions.faults.catalogue import SEARCH_FAULTS
from clickstream.actions.faults.inject import inject
from clickstream.actions.processes import consumers, producers
from clickstream.actions.processes.consumers import ConsumerKind
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.pace import Pace
from clickstream.domain.processes import ProcessState, Role
from clickstream.services.opensearch.client import connect
from tests.campaign.truth import write_input
from tests.feed import own_names, send, shop
from tests.searching import search_stack_in
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # a node more than the other faults have, and its starts

SHORT = 2.0
"""Seconds that a fault lasts here."""


@pytest.fixture(scope="module")
def own_home(shelter: Path) -> Iterator[Home]:
    """A stack of its own: its processes get broken."""
    with search_stack_in(shelter / "injection-search") as home:
        yield home


@pytest.fixture
def settings(
    own_home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Two consumers and two indexers at work on a topic and an index of their own."""
    unique = request.node.name.translate(str.maketrans("[]-", "___"))[-40:].strip("_")
    own_names(monkeypatch, own_home, unique)
    monkeypatch.setenv("OPENSEARCH_EVENTS_INDEX", unique)
    monkeypatch.setenv("OPENSEARCH_CONSUMER_GROUP_ID", f"{unique}-search")
    stack.up(own_home)
    settings = load_settings()
    consumers.start(settings, count=2)
    consumers.start(settings, count=2, kind=ConsumerKind.OPENSEARCH)
    yield settings
    control = running(own_home)
    assert control
    workers = [process.name for process in control.snapshot().processes if process.role is not Role.SERVER]
    control.stop(workers, kill=True)
    control.remove(workers)


def states(settings: Settings, role: Role) -> list[ProcessState]:
    control = running(settings.home)
    assert control
    return [process.state for process in control.snapshot().of(role)]


@pytest.mark.parametrize("name", [fault.name for fault in SEARCH_FAULTS if not fault.unavailable])
def test_a_fault_is_reverted_and_proved_to_lose_nothing(settings: Settings, tmp_path: Path, name: str) -> None:
    file = tmp_path / "events.csv"
    write_input(file, 5, 12_000, visitors=300)
    producers.start(settings, producers.SendingRun(file, pace=Pace(rate=2_000)))
    lasts = next(fault for fault in SEARCH_FAULTS if fault.name == name).seconds
    found = inject(settings, name, seconds=SHORT if lasts else None)
    assert found.ok, found.line
    assert found.line.endswith("verify: 0 lost, 0 doubled, 0 not indexed")
    assert found.proof
    assert found.proof.messages > 1_000
    assert states(settings, Role.SERVER) == [ProcessState.RUNNING] * 4
    assert states(settings, Role.INDEXER) == [ProcessState.RUNNING] * 2
    assert states(settings, Role.FAULT) == []


def test_the_proof_finds_what_is_not_in_the_index(settings: Settings) -> None:
    since = proof.sample(settings)
    send(settings, [*shop(3, 500), ("7", b"not json")])
    ends = proof.sample(settings).ends
    proof.await_drained(settings, ends, lambda: None, index=True)
    whole = proof.prove(settings, since, ends, index=True)
    assert (whole.lost, whole.unindexed, whole.ok) == (0, 0, True)
    with connect(settings.opensearch) as client:
        index = settings.opensearch.events_index
        client.indices.refresh(index=index)
        [hit] = client.search(index=index, body={"size": 1})["hits"]["hits"]
        client.delete(index=index, id=hit["_id"])
    wait_until(lambda: proof.prove(settings, since, ends, index=True).unindexed, "the loss is found")
    found = proof.prove(settings, since, ends, index=True)
    assert found.unindexed
    assert (found.lost, found.ok) == (0, False)
    assert found.places
