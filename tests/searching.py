"""A stack with OpenSearch, indexers in threads of the test's own process, and looking into the index."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions import stack
from clickstream.actions.observe.meter import LagMeter
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.pipeline.indexer.sink import indexer
from clickstream.pipeline.process.loop import OnReport
from clickstream.pipeline.process.run import WorkerOptions
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.opensearch.client import connect
from tests.consuming import Running, Runs, running
from tests.feed import own_names, query
from tests.waiting import wait_until


@contextmanager
def search_stack_in(folder: Path) -> Iterator[Home]:
    """CLICKSTREAM_HOME is this folder meanwhile, and nothing is left of it afterwards."""
    home = Home(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLICKSTREAM_HOME", str(home.root))
        stack.up(home, opensearch=True)
        yield home
        stack.down(home)
        stack.reset(home)


@contextmanager
def search_settings(home: Home, patch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings for a topic, a schema, groups and an index that no other test uses; OpenSearch is enabled."""
    unique = f"test_{secrets.token_hex(4)}"
    own_names(patch, home, unique)
    patch.setenv("OPENSEARCH_ENABLED", "true")
    patch.setenv("OPENSEARCH_EVENTS_INDEX", f"{unique}-index")
    patch.setenv("OPENSEARCH_CONSUMER_GROUP_ID", f"{unique}-search")
    settings = load_settings()
    assert settings.kafka
    assert settings.postgres
    create_topic(settings.kafka)
    yield settings
    delete_topic(settings.kafka, settings.kafka.events_topic)
    query(settings, f"DROP SCHEMA IF EXISTS {settings.postgres.schema_name} CASCADE")
    with connect(settings.opensearch) as client:
        client.indices.delete(index=settings.opensearch.events_index, ignore=404)
        client.indices.delete_index_template(name=settings.opensearch.events_index, ignore=404)


@contextmanager
def indexers(settings: Settings, count: int = 1, *, accept_gap: bool = False) -> Iterator[list[Running]]:
    def make(name: str, stop: threading.Event, heard: OnReport) -> Runs:
        return indexer(settings, WorkerOptions(name, accept_gap, on_report=heard), stop)

    with running([f"indexer-{number}" for number in range(count)], make) as workers:
        yield workers


def fill(settings: Settings, count: int = 1, *, accept_gap: bool = False) -> None:
    """Index until nothing is left to."""
    with indexers(settings, count, accept_gap=accept_gap), LagMeter(settings) as meter:
        wait_until(lambda: all_indexed(meter), "everything indexed")


def all_indexed(meter: LagMeter) -> bool:
    sample = meter.sample()
    return sample.indexed is not None and sample.indexed_positions == sample.ends


def stored_documents(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every document of the index, by its id; there must be fewer than ten thousand."""
    with connect(settings.opensearch) as client:
        client.indices.refresh(index=settings.opensearch.events_index)
        hits = client.search(index=settings.opensearch.events_index, body={"size": 10_000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def index_settings(settings: Settings) -> dict[str, Any]:
    """The index's own settings, and under `_meta` what is noted beside its mapping."""
    with connect(settings.opensearch) as client:
        [found] = client.indices.get(index=settings.opensearch.events_index).values()
    own: dict[str, Any] = found["settings"]["index"]
    return own | {"_meta": found["mappings"].get("_meta", {})}
