"""Which answers of OpenSearch are waited out, and which come back at once; without a node."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import AdmissionRefused, ServiceNotReady, ServiceRefused
from clickstream.services.opensearch.client import connect, translated
from clickstream.services.opensearch.search import search as ask
from tests.proxies.opensearch import Answer, opensearch_proxy

NO_SHARD: Answer = (503, {"error": {"type": "no_shard_available_action_exception", "reason": "no shard"}})
BUSY: Answer = (429, {"error": {"type": "rejected_execution_exception", "reason": "queue is full"}})
FOUND: dict[str, Any] = {"hits": {"total": {"value": 3}}, "_shards": {"total": 2, "successful": 2, "failed": 0}}
PARTIAL: Answer = (200, {**FOUND, "_shards": {"total": 2, "successful": 1, "failed": 0}})


def settings(port: int) -> OpenSearchSettings:
    return OpenSearchSettings.model_validate({"OPENSEARCH_HOST": "127.0.0.1", "OPENSEARCH_PORT": port})


def search(port: int, *, patience: float = 30.0) -> Any:
    with translated(), connect(settings(port), patience=patience) as client:
        return client.search(index="events", body={"size": 0})


@pytest.mark.parametrize("first", [NO_SHARD, BUSY, (502, {}), (504, {}), PARTIAL])
def test_what_passes_is_waited_out(first: Answer) -> None:
    with opensearch_proxy(first, first, (200, FOUND)) as proxy:
        assert search(proxy.port) == FOUND
        assert proxy.requests == 3


@pytest.mark.parametrize(
    ("answer", "error"), [((401, {}), AdmissionRefused), ((403, {}), AdmissionRefused), ((400, {}), ServiceRefused)]
)
def test_what_is_final_comes_back_at_once(answer: Answer, error: type[Exception]) -> None:
    with opensearch_proxy(answer, (200, FOUND)) as proxy:
        with pytest.raises(error):
            search(proxy.port)
        assert proxy.requests == 1


CLOSED = {"type": "index_closed_exception", "reason": "closed", "index": "events"}
BLOCKED = {"type": "cluster_block_exception", "reason": "index [events] blocked by: [FORBIDDEN/7/index read (api)];"}


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (400, CLOSED, r"\[events\] closed \(index_closed_exception\)"),
        (403, BLOCKED, r"index read \(api\).*cluster_block"),
    ],
)
def test_the_state_of_an_index_is_not_a_fault_of_the_request_or_of_the_user(
    status: int, error: dict[str, Any], words: str
) -> None:
    answer: Answer = (status, {"error": error, "status": status})
    with opensearch_proxy(answer, answer) as proxy:
        with pytest.raises(ServiceNotReady, match=f"OpenSearch is not ready: .*{words}"):
            search(proxy.port)
        with pytest.raises(ServiceNotReady, match=words):
            ask(settings(proxy.port), "event:view", slots=1, newest=1)


@pytest.mark.parametrize("first", [NO_SHARD, PARTIAL])
def test_who_repeats_for_himself_is_told(first: Answer) -> None:
    with opensearch_proxy(first, (200, FOUND)) as proxy:
        with pytest.raises(ServiceNotReady, match="OpenSearch is not ready"):
            search(proxy.port, patience=0)
        assert proxy.requests == 1
