"""A benchmark's traces, without a server: what is removed, in spite of what, and what the next benchmark is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.benchmark import traces as benchmark_traces
from clickstream.actions.benchmark.traces import Traces
from clickstream.config.paths import Home
from clickstream.config.settings import KafkaSettings, PipelineSettings, PostgresSettings, Settings, ValkeySettings
from clickstream.domain.errors import ClickstreamError, Interrupted, ServiceUnavailable

REMOVALS = ("delete_group", "delete_topic", "drop_schema", "clear")


class Servers:
    """In place of the servers; `fails` says what a removal raises, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.fails: dict[str, list[BaseException]] = {}
        for name in REMOVALS:
            monkeypatch.setattr(benchmark_traces, name, lambda *_, name=name, **__: self._remove(name))

    def _remove(self, name: str) -> None:
        if self.fails.get(name):
            raise self.fails[name].pop(0)
        self.done.append(name)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=Home(tmp_path / "h"),
        embedded=False,
        kafka=KafkaSettings.model_validate({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_EVENTS_TOPIC": "mine"}),
        postgres=PostgresSettings.model_validate(
            {"PG_HOST": "127.0.0.1", "PG_PASSWORD": "x", "PG_SCHEMA_NAME": "mine"}
        ),
        valkey=ValkeySettings.model_validate({"VALKEY_HOST": "127.0.0.1"}),
        opensearch=None,  # type: ignore[arg-type]
        pipeline=PipelineSettings(),
        sources={},
    )


def said_nothing(*words: Any) -> None:
    raise AssertionError(words)


def test_a_run_has_names_of_its_own_and_all_is_removed(settings: Settings, servers: Servers) -> None:
    with Traces(settings.home) as traces:
        with traces.of_a_run(settings, 2, said_nothing) as trace:
            own = trace.settings
            assert own.kafka
            assert own.postgres
            assert own.kafka.partitions == 2
            assert own.kafka.events_topic.startswith("clickstream-benchmark-")
            assert own.pipeline.consumer_group_id == own.kafka.events_topic
            assert own.postgres.schema_name.startswith("clickstream_benchmark_")
            assert len(traces._tokens()) == 1
        assert servers.done == list(REMOVALS)
        assert traces._tokens() == []


@pytest.mark.parametrize("error", [RuntimeError("oops"), KeyboardInterrupt(), Interrupted("cancelled")])
def test_a_run_that_fails_is_removed_too(settings: Settings, servers: Servers, error: BaseException) -> None:
    with Traces(settings.home) as traces:
        with pytest.raises(type(error)), traces.of_a_run(settings, 2, said_nothing):
            raise error
        assert servers.done == list(REMOVALS)
        assert traces._tokens() == []


def test_an_impatient_user_does_not_keep_it_from_removing(settings: Settings, servers: Servers) -> None:
    servers.fails = {"delete_topic": [KeyboardInterrupt()], "clear": [KeyboardInterrupt(), SystemError("a driver's")]}
    with Traces(settings.home) as traces:
        with pytest.raises(KeyboardInterrupt), traces.of_a_run(settings, 2, said_nothing):
            pass
        assert servers.done == list(REMOVALS)
        assert traces._tokens() == []


def test_what_cannot_be_removed_is_said_and_left_to_the_next_benchmark(settings: Settings, servers: Servers) -> None:
    said: list[str] = []

    def say(words: str, _done: int, _total: int) -> None:
        """As a cancelled job of the dashboard does: the first word ends it."""
        said.append(words)
        if len(said) == 1:
            raise Interrupted("cancelled")

    servers.fails = {"delete_topic": [ServiceUnavailable("Kafka", "gone")], "drop_schema": [ValueError("no")] * 3}
    with Traces(settings.home) as traces, traces.of_a_run(settings, 2, say):
        pass
    assert servers.done == ["delete_group", "clear"]
    assert len(said) == 3
    assert "left behind until the next one: Kafka does not answer: gone" in said[1]
    servers.done.clear()
    with Traces(settings.home) as traces:
        assert len(traces._tokens()) == 1
        traces.sweep(settings, said_nothing)
        assert traces._tokens() == []
    assert servers.done == list(REMOVALS)


def test_a_home_has_one_benchmark_at_a_time(settings: Settings) -> None:
    with Traces(settings.home), pytest.raises(ClickstreamError, match="running in this home already"):
        Traces(settings.home).__enter__()
    with Traces(settings.home):
        pass


def test_bad_lines_are_removed_of_this_benchmark_only(settings: Settings, servers: Servers) -> None:
    folder = settings.home.rejects
    folder.mkdir(parents=True)
    theirs = [folder / "20200101T000000Z-77.rejects.csv", folder / "29990101T000000Z-78.rejects.csv"]
    own = [folder / "29990101T000000Z-77.rejects.csv", folder / "29990101T000001Z-77.rejects.csv.part"]
    for file in (*theirs, *own):
        file.touch()
    with Traces(settings.home) as traces, traces.of_a_run(settings, 1, said_nothing) as trace:
        trace.producers.add(77)
    assert sorted(folder.iterdir()) == theirs
