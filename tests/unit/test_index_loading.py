"""The index loads far behind, and has its settings back when that is caught up, on a stop, and after a crash."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.domain.errors import AdmissionRefused, ServiceUnavailable
from clickstream.pipeline.indexer.bulk_settings import CAUGHT_UP, FAR_BEHIND, BulkSettings


class Index:
    """Settings as an index keeps them, for all who look at it."""

    def __init__(self) -> None:
        self.loading = False
        self.log: list[str] = []
        self.fault: Exception | None = None

    def begin_loading(self) -> None:
        self._do("begin", loading=True)

    def end_loading(self) -> bool:
        was = self.loading
        self._do("end", loading=False)
        return was

    def _do(self, what: str, *, loading: bool) -> None:
        if self.fault:
            raise self.fault
        self.log.append(what)
        self.loading = loading


@pytest.fixture
def index() -> Any:
    return Index()


def test_far_behind_it_loads_until_it_has_caught_up(index: Any) -> None:
    loading = BulkSettings(index)
    for behind in (None, FAR_BEHIND + 1, FAR_BEHIND + 1, CAUGHT_UP + 1):
        loading.adapt(behind)
    assert index.log == ["begin"]
    for behind in (CAUGHT_UP, 0, FAR_BEHIND * 2):
        loading.adapt(behind)
    assert index.log == ["begin", "end"]


def test_what_one_that_died_has_left_is_put_back(index: Any) -> None:
    index.loading = True
    BulkSettings(index).adapt(0)
    assert not index.loading


def test_new_partitions_are_looked_at_again(index: Any) -> None:
    loading = BulkSettings(index)
    loading.adapt(0)
    loading.reopen()
    loading.adapt(FAR_BEHIND + 1)
    assert index.loading


def test_a_stop_puts_the_settings_back(index: Any) -> None:
    loading = BulkSettings(index)
    loading.adapt(FAR_BEHIND + 1)
    loading.finish()
    assert not index.loading


def test_what_one_puts_back_another_may_too(index: Any) -> None:
    one, other = BulkSettings(index), BulkSettings(index)
    one.adapt(FAR_BEHIND + 1)
    other.adapt(FAR_BEHIND + 1)
    one.adapt(0)
    other.adapt(FAR_BEHIND + 1)
    other.adapt(0)
    assert not index.loading


def test_a_server_that_is_away_is_tried_again(index: Any) -> None:
    loading = BulkSettings(index)
    index.fault = ServiceUnavailable("OpenSearch", "away")
    loading.adapt(FAR_BEHIND + 1)
    index.fault = None
    loading.adapt(FAR_BEHIND + 1)
    assert index.loading
    index.fault = ServiceUnavailable("OpenSearch", "away")
    loading.adapt(0)
    index.fault = None
    loading.adapt(0)
    assert not index.loading


def test_one_that_may_not_change_settings_says_so_once(index: Any, caplog: pytest.LogCaptureFixture) -> None:
    loading = BulkSettings(index)
    index.fault = AdmissionRefused("OpenSearch refused: HTTP 403")
    loading.adapt(FAR_BEHIND + 1)
    loading.adapt(FAR_BEHIND + 1)
    assert caplog.text.count("keeps its settings") == 1
