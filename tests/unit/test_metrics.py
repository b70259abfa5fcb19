"""Prometheus' figures: what each look becomes, that Prometheus can read it, and that dashboards name nothing else."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from clickstream.actions.metrics.families import families
from clickstream.actions.metrics.sample import Asked, Look
from clickstream.actions.watch.frame import ProcessRow, StoredCounts
from clickstream.actions.watch.polling import NotAsked
from clickstream.actions.watch.search_source import OpenSearchAnswer
from clickstream.actions.watch.sources import KafkaAnswer, PostgresAnswer, ValkeyAnswer
from clickstream.domain.obstacles import ForeignMember, Surroundings
from clickstream.domain.reports import LATENCY_EDGES_MS, WorkerReport
from clickstream.services.postgres.inspect import StoredOffset

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
NAMED = re.compile(r"\bclickstream_\w+")
AT = 1_748_520_041.0

LATENCIES = (0, 3, *(0,) * (len(LATENCY_EDGES_MS) - 3), 2, 1)
"""Three messages within 7 ms, two within the last edge, one beyond it."""


def row(name: str, role: str, report: WorkerReport | None = None, **figures: Any) -> ProcessRow:
    defaults = {"host": "here", "local": True, "pid": 1, "state": "running", "uptime_seconds": 60.0, "restarts": 2}
    return ProcessRow(name=name, role=role, report=report, **(defaults | {"rss_bytes": 5_000} | figures))


CONSUMER = WorkerReport(
    AT,
    "running",
    active_sessions=7,
    counters={"stored": 90, "duplicates": 8, "rejected": 2, "batches": 4},
    latency_counts=LATENCIES,
    latency_seconds=700.5,
)

FULL = Look(
    at=AT,
    seconds=0.25,
    topic="events",
    used=("kafka", "postgresql", "valkey", "opensearch"),
    kafka=KafkaAnswer(1.5, None, "id", {0: 10, 1: 0}, {0: 100, 1: 50}, indexed={0: 60}),
    postgres=PostgresAnswer(0.5, "18.6", {"id": {0: StoredOffset(90, 3.0)}, "before": {1: StoredOffset(9, 1.0)}}),
    valkey=ValkeyAnswer(0.2, "9.1"),
    opensearch=OpenSearchAnswer(4.0, "3.9"),
    counts=StoredCounts(1_000, 300, 5, 2),
    surroundings=Surroundings(
        "events",
        "id",
        {"cleanup.policy": "compact,delete"},
        {"consumers": (ForeignMember("consumers", "other", "10.0.0.9", (1,)),), "indexers": ()},
        {0: 93},
    ),
    processes=(
        row("kafka", "server"),
        row("consumer-0", "consumer", CONSUMER),
        row("consumer-0", "consumer", CONSUMER, host="there", local=False, activity="waiting"),
        row("consumer-1", "consumer", state="backoff"),
        row("consumer-2", "consumer", state="stopped"),
        row("producer", "producer", WorkerReport(AT, "running", events=40, counters={"failed": 1})),
    ),
)


class Fixed(Collector):
    """Always the same look."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        return families(self._look)


Labels = frozenset[tuple[str, str]]


def samples(look: Look) -> dict[tuple[str, Labels], float]:
    """What Prometheus would read: name and labels to value."""
    registry = CollectorRegistry()
    registry.register(Fixed(look))
    text = generate_latest(registry).decode()
    read = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in read}
    assert len(found) == len(read), "no series twice"
    return found


def value(look: Look, name: str, **labels: str) -> float | None:
    return samples(look).get((name, frozenset(labels.items())))


HERE = {"process": "consumer-0", "role": "consumer", "host": "here"}


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("clickstream_messages_produced_total", {"topic": "events", "partition": "0"}, 100),
        ("clickstream_messages_processed_total", {"topic": "events", "partition": "0"}, 90),
        ("clickstream_messages_processed_total", {"topic": "events", "partition": "1"}, 0),
        ("clickstream_partition_lag_messages", {"topic": "events", "partition": "0"}, 10),
        ("clickstream_partition_lag_messages", {"topic": "events", "partition": "1"}, 50),
        ("clickstream_partition_held_messages", {"topic": "events", "partition": "0"}, 90),
        ("clickstream_partition_last_commit_timestamp_seconds", {"topic": "events", "partition": "0"}, AT - 3),
        ("clickstream_partition_last_commit_timestamp_seconds", {"topic": "events", "partition": "1"}, None),
        ("clickstream_lag_messages", {}, 60),
        ("clickstream_messages_indexed_total", {"topic": "events", "partition": "0"}, 60),
        ("clickstream_index_lag_messages", {"topic": "events", "partition": "1"}, 50),
        ("clickstream_topic_compacted", {"topic": "events"}, 1),
        ("clickstream_group_foreign_members", {"group": "consumers"}, 1),
        ("clickstream_group_foreign_members", {"group": "indexers"}, 0),
        ("clickstream_partition_unstable_messages", {"topic": "events", "partition": "0"}, 7),
        ("clickstream_partition_unstable_messages", {"topic": "events", "partition": "1"}, 0),
        ("clickstream_events_stored_total", {}, 1_000),
        ("clickstream_sessions", {}, 300),
        ("clickstream_active_sessions", {}, 14),
        ("clickstream_rejects_open", {}, 5),
        ("clickstream_rejects_replayed", {}, 2),
        ("clickstream_service_up", {"service": "kafka"}, 1),
        ("clickstream_service_latency_seconds", {"service": "kafka"}, 0.0015),
        ("clickstream_process_up", HERE, 1),
        ("clickstream_process_up", HERE | {"process": "consumer-1"}, 0),
        ("clickstream_process_up", HERE | {"process": "consumer-2"}, None),
        ("clickstream_process_waiting", HERE, 0),
        ("clickstream_process_waiting", HERE | {"host": "there"}, 1),
        ("clickstream_process_start_time_seconds", HERE, AT - 60),
        ("clickstream_process_restarts_total", HERE, 2),
        ("clickstream_process_restarts_total", HERE | {"host": "there"}, None),
        ("clickstream_process_resident_memory_bytes", HERE | {"process": "kafka", "role": "server"}, 5_000),
        ("clickstream_worker_messages_total", HERE | {"outcome": "stored"}, 90),
        ("clickstream_worker_messages_total", HERE | {"outcome": "duplicate"}, 8),
        ("clickstream_worker_batches_total", HERE, 4),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "0.005"}, 0),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "0.007"}, 3),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "300.0"}, 5),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "+Inf"}, 6),
        ("clickstream_commit_latency_seconds_count", HERE, 6),
        ("clickstream_commit_latency_seconds_sum", HERE, 700.5),
    ],
)
def test_a_look_becomes_these_figures(name: str, labels: dict[str, str], expected: float | None) -> None:
    assert value(FULL, name, **labels) == expected


def test_what_is_not_known_is_left_out_and_never_zero() -> None:
    blind = replace(
        FULL, postgres=None, counts=None, kafka=None, valkey=None, opensearch=None, processes=(), surroundings=None
    )
    names = {name for name, _ in samples(blind)}
    assert names == {"clickstream_build_info", "clickstream_look_duration_seconds", "clickstream_service_up"}
    assert value(blind, "clickstream_service_up", service="postgresql") == 0
    without = replace(FULL, postgres=None)
    assert value(without, "clickstream_lag_messages") is None
    assert value(without, "clickstream_messages_produced_total", topic="events", partition="0") == 100


def test_where_reading_begins_at_the_latest_nothing_waits_before_the_first_commit() -> None:
    latest = replace(FULL, earliest=False)
    assert value(latest, "clickstream_partition_lag_messages", topic="events", partition="1") == 0


def test_names_follow_prometheus_conventions() -> None:
    for family in families(FULL):
        assert family.name.startswith("clickstream_")
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_total", "_ms", "_milliseconds", "_count"))
        assert family.samples, f"{family.name}: the look of these tests shows every family"


def test_labels_have_few_values() -> None:
    allowed = {"version", "service", "topic", "partition", "process", "role", "host", "outcome", "le", "group"}
    assert {name for _, labels in samples(FULL) for name, _ in labels} <= allowed


def expressions(document: object) -> Iterator[str]:
    """Every PromQL expression in a dashboard or a file of rules."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "expr":
                yield str(value)
            else:
                yield from expressions(value)
    elif isinstance(document, list):
        for one in document:
            yield from expressions(one)


DASHBOARDS = sorted((MONITORING / "grafana/dashboards").glob("*.json"))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_asks_for_nothing_that_we_do_not_tell(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    asked = {name for expression in expressions(dashboard) for name in NAMED.findall(expression)}
    assert len(asked) > 10
    assert asked - {name for name, _ in samples(FULL)} == set()


def test_rules_ask_for_nothing_that_we_do_not_tell() -> None:
    told = {name for name, _ in samples(FULL)}
    for path in MONITORING.glob("*.y*ml"):
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        assert set(NAMED.findall("\n".join(lines))) - told == set(), path.name


def test_dashboards_use_the_source_that_is_provisioned_and_no_place_twice() -> None:
    provisioned = re.findall(r"(?m)^ *uid: (\w+)$", (MONITORING / "grafana/datasources/prometheus.yml").read_text())
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        assert {panel["datasource"]["uid"] for panel in panels} == set(provisioned)
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        places = [
            (x, y)
            for panel in dashboard["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(places)) == len(places)
        assert all(0 <= x < 24 for x, _ in places)


def test_whoever_hangs_is_asked_once_and_nobody_waits_for_him() -> None:
    asked, hang = [], threading.Event()

    def ask() -> str:
        asked.append(1)
        hang.wait(30)
        return "at last"

    source = Asked("slow", ask)
    for _ in range(3):
        source.begin()
        assert source.answer(deadline=0.0) is None
    hang.set()
    assert source.answer(time.monotonic() + 30) == "at last"
    assert asked == [1]


def test_an_answer_that_fails_is_none_and_the_next_one_counts(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [NotAsked("off"), RuntimeError("a fault"), RuntimeError("a fault"), "well"]

    def ask() -> str:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return str(answer)

    source, found = Asked("moody", ask), []
    for _ in range(4):
        source.begin()
        found.append(source.answer(time.monotonic() + 30))
    assert found == [None, None, None, "well"]
    assert [record.getMessage() for record in caplog.records] == ["no figures of moody: a fault"], "said once"


def test_a_dear_question_keeps_its_answer_for_a_while() -> None:
    asked: list[int] = []
    gate = threading.Event()

    def ask() -> int:
        asked.append(1)
        gate.wait(0.01)  # what it takes, so that the next turn is a while away
        return len(asked)

    source = Asked("dear", ask, share=1e-6)
    for _ in range(3):
        source.begin()
        assert source.answer(time.monotonic() + 30) == 1
