"""Indexers in the dashboard: workers like others, and none of the consumers that PostgreSQL is filled by."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

from clickstream.actions.observe.model import Frame, IndexedPartition, IndexLag
from clickstream.tui.widgets.row_table import RowTable
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import MakeApp, driven, until_idle

pytestmark = pytest.mark.usefixtures("answers")

LAG = IndexLag("clickstream-opensearch", 7, (IndexedPartition(0, 3, 10, 7, "indexer-0"),))


def with_indexer() -> Frame:
    frame = frames.running()
    consumer = next(row for row in frame.processes if row.name == "consumer-0")
    indexer = replace(consumer, name="indexer-0", role="indexer", partitions=(0, 1, 2), lag=7)
    return replace(frame, processes=(*frame.processes, indexer), indexing=LAG)


def test_the_workers_table_has_a_row_for_each(make_app: MakeApp) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until_idle(pilot)
        table: DataTable[object] = pilot.app.screen.query_one(RowTable)
        assert "indexer-0" in {str(row.key.value) for row in table.ordered_rows}

    driven(make_app(with_indexer()), steps)


@pytest.mark.parametrize("mode", ["1", "2", "3", "4", "5", "6"])
def test_every_screen_takes_them(make_app: MakeApp, mode: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(mode)
        await until_idle(pilot)

    driven(make_app(with_indexer()), steps)
