"""The search index goes with the rest: emptied by a reset, filled and counted by a demo, looked at by the doctor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions import reset
from clickstream.actions.config import check as config_check
from clickstream.actions.demo import DemoOptions, demo
from clickstream.actions.demo_progress import DemoProgress
from clickstream.actions.verify_index import verify_index
from clickstream.cli.main import run as clickstream
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable
from clickstream.services.opensearch.client import connect
from clickstream.services.opensearch.index import EventsIndex
from tests.consuming import drain
from tests.feed import query, send, shop
from tests.proxies.opensearch import opensearch_proxy
from tests.searching import fill, search_settings, search_stack_in, stored_documents

pytestmark = pytest.mark.slow  # the node and its compiler take their time, and the first run downloads it

EVENTS = shop(51, 400)

LINES = [f"{1_430_622_004_384 + second * 1000},{second % 97},view,{second % 13}," for second in range(2_000)]


@pytest.fixture(scope="module")
def search_home(shelter: Path) -> Iterator[Home]:
    with search_stack_in(shelter / "with-search") as home:
        yield home


@pytest.fixture
def settings(search_home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with search_settings(search_home, monkeypatch) as found:
        yield found


@pytest.fixture
def filled(settings: Settings) -> Settings:
    send(settings, EVENTS)
    drain(settings)
    fill(settings)
    assert verify_index(settings).documents == len(EVENTS)
    return settings


def untouched(settings: Settings) -> bool:
    stored = query(settings, "SELECT count(*) FROM events") == [(len(EVENTS),)]
    return stored and len(stored_documents(settings)) == len(EVENTS)


def test_a_reset_empties_the_index_too(filled: Settings) -> None:
    found = reset.reset(filled)
    assert found.index == filled.opensearch.events_index
    assert found.summary().endswith(f", index {found.index}")
    compared = verify_index(filled)
    assert (compared.ok, compared.events, compared.documents) == (True, 0, 0)
    send(filled, EVENTS[:100])
    drain(filled)
    fill(filled)
    compared = verify_index(filled)
    assert (compared.ok, compared.documents) == (True, 100)


def test_with_opensearch_away_a_reset_changes_nothing(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("OPENSEARCH_HOST", "127.0.0.1")
        patch.setenv("OPENSEARCH_PORT", "1")
        assert clickstream(["data", "reset", "-y"]) == 1
    assert "OpenSearch does not answer" in capsys.readouterr().err
    assert untouched(filled)


def test_what_is_behind_an_alias_is_not_deleted(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    alias = f"{filled.opensearch.events_index}-alias"
    with connect(filled.opensearch) as client:
        client.indices.put_alias(index=filled.opensearch.events_index, name=alias)
    monkeypatch.setenv("OPENSEARCH_EVENTS_INDEX", alias)
    with pytest.raises(ServiceRefused, match=f"{alias} is an alias of {filled.opensearch.events_index}"):
        reset.reset(load_settings())
    assert untouched(filled)


def test_a_reset_cut_short_at_the_index_is_completed_by_the_next_one(filled: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:

        def away(_: Any) -> None:
            raise ServiceUnavailable("OpenSearch", "went away")

        patch.setattr(EventsIndex, "replace", away)
        with pytest.raises(ClickstreamError, match=r"cut short.*run it again"):
            reset.reset(filled)
    reset.reset(filled)
    compared = verify_index(filled)
    assert (compared.ok, compared.events, compared.documents) == (True, 0, 0)


@contextmanager
def blocked(settings: Settings, block: str) -> Iterator[None]:
    with connect(settings.opensearch) as client:
        client.cluster.put_settings(body={"transient": {block: True}})
        try:
            yield
        finally:
            client.cluster.put_settings(body={"transient": {block: None}})


def test_where_no_index_can_be_made_a_reset_completes_all_the_same(
    filled: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with blocked(filled, "cluster.blocks.create_index"):
        assert clickstream(["data", "reset", "-y"]) == 0
        assert "which indexers will make again: OpenSearch is not ready" in capsys.readouterr().err
        found = doctors(filled)
        assert found.state == config_check.WARN
        assert "cannot be made: cluster.blocks.create_index is set" in found.message
        assert 'PUT /_cluster/settings {"transient": {"cluster.blocks.create_index": null}}' in found.hint
    send(filled, EVENTS[:100])
    drain(filled)
    fill(filled)
    compared = verify_index(filled)
    assert (compared.ok, compared.documents) == (True, 100)


@pytest.mark.parametrize("block", ["cluster.blocks.read_only", "index.blocks.read_only"])
def test_where_nothing_can_be_deleted_a_reset_changes_nothing(filled: Settings, block: str) -> None:
    name = filled.opensearch.events_index
    if block.startswith("cluster"):
        with blocked(filled, block), pytest.raises(ClickstreamError, match=r"cluster read-only"):
            reset.reset(filled)
    else:
        with connect(filled.opensearch) as client:
            client.indices.put_settings(index=name, body={block: True})
            with pytest.raises(ServiceRefused, match=rf"{block} is set for {name}") as refused:
                reset.reset(filled)
            assert f'PUT /{name}/_settings {{"{block}": null}}' in refused.value.hint
            client.indices.put_settings(index=name, body={block: None})
    assert untouched(filled)


def test_a_closed_index_is_called_so_and_can_be_reset(filled: Settings) -> None:
    name = filled.opensearch.events_index
    with connect(filled.opensearch) as client:
        client.indices.put_settings(index=name, body={"index.blocks.write": True})
        assert doctors(filled).message == f"{name} takes no documents: index.blocks.write is set"
        client.indices.put_settings(index=name, body={"index.blocks.write": None})
        client.indices.close(index=name)
        found = doctors(filled)
        assert (found.state, found.message) == (config_check.WARN, f"{name} is closed")
        assert f"POST /{name}/_open" in found.hint
        client.indices.open(index=name)
        assert doctors(filled).message.endswith("is there")
        client.indices.close(index=name)
    reset.reset(filled)
    compared = verify_index(filled)
    assert (compared.ok, compared.events, compared.documents) == (True, 0, 0)


def doctors(settings: Settings) -> config_check.Check:
    """What the doctor says of the index."""
    return next(one for one in config_check.check(settings) if one.name == "index")


def test_a_demo_waits_until_all_is_indexed_and_says_so(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["timestamp,visitorid,event,itemid,transactionid", *LINES]) + "\n")
    monkeypatch.setenv("PRODUCER_DATA_FILE", str(path))
    said: list[DemoProgress] = []
    found = demo(load_settings(), DemoOptions(), said.append)
    assert found.ok, found.unaccounted
    assert found.documents == found.events == len(EVENTS) + len(LINES)
    assert [word.flow.to_index for word in said if word.flow][-1] == 0
    assert verify_index(filled).ok
    assert clickstream(["demo", "--fresh", "--headless", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["documents"] == len(LINES)
    assert "clickstream verify --opensearch" in told.err
    assert clickstream(["verify", "--opensearch"]) == 0


def test_the_doctor_looks_at_it_where_it_is_enabled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> dict[str, config_check.Check]:
        return {one.name: one for one in config_check.check(load_settings()) if one.name in {"opensearch", "index"}}

    assert found()["opensearch"].state == config_check.OK
    assert "version 3." in found()["opensearch"].message
    assert "does not exist yet" in found()["index"].message
    reset.reset(settings)
    assert found()["index"].message.endswith("is there")
    with monkeypatch.context() as patch:
        patch.setenv("OPENSEARCH_HOST", "127.0.0.1")
        patch.setenv("OPENSEARCH_PORT", "1")
        assert [one.state for one in found().values()] == [config_check.FAILED]
    monkeypatch.setenv("OPENSEARCH_ENABLED", "false")
    assert found() == {}


@pytest.mark.parametrize("line", ["opensearch init", "opensearch search event:view", "verify --opensearch"])
def test_a_command_succeeds_on_a_node_that_has_just_started(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    starting = (503, {"error": {"type": "no_shard_available_action_exception", "reason": "no shard"}})
    with opensearch_proxy(*[starting] * 4, target=filled.opensearch) as proxy:
        monkeypatch.setenv("OPENSEARCH_HOST", "127.0.0.1")
        monkeypatch.setenv("OPENSEARCH_PORT", str(proxy.port))
        assert clickstream(line.split()) == 0
        assert not proxy.answers
