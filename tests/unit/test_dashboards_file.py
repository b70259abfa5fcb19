"""The saved objects of the repository: whole, stable, and just what our script makes."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from clickstream.services.opensearch import saved_objects
from clickstream.services.opensearch.index import MAPPING
from tests.dashboards import MIGRATIONS, aggregations
from tools.dashboards import FILE, SPAN, render

ROOT = Path(__file__).resolve().parents[2]

OBJECTS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]

VISUALIZATIONS = [one for one in OBJECTS if one["type"] == "visualization"]
DASHBOARDS = [one for one in OBJECTS if one["type"] == "dashboard"]

TEXTS = {"visState", "searchSourceJSON", "panelsJSON", "optionsJSON", "uiStateJSON", "fields", "fieldFormatMap"}
"""Attributes that are JSON in a string."""

AMOUNTS = {"cardinality", "max"}


def title(one: dict[str, Any]) -> str:
    return str(one["attributes"]["title"])


def texts(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    own = [(name, text) for name, text in value.items() if name in TEXTS]
    return own + [found for inner in value.values() for found in texts(inner)]


def test_it_is_what_the_script_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == render(), "`make dashboards` writes it again"


def test_what_was_promised_is_there() -> None:
    assert [title(one) for one in OBJECTS] == [
        "clickstream-events*",
        "Key Figures",
        "Events Over Time",
        "Event Types Breakdown",
        "Conversion Funnel",
        "Top Viewed Items",
        "Top Purchased Items",
        "Events by Hour of Day",
        "Conversion by Day",
        "Hot Visitors",
        "Traffic Overview",
        "Conversion Analysis",
    ]


def test_ids_are_unique_and_stay() -> None:
    keys = Counter((one["type"], one["id"]) for one in OBJECTS)
    assert set(keys.values()) == {1}
    assert {one["id"] for one in DASHBOARDS} == {"clickstream-traffic-overview", "clickstream-conversion-analysis"}
    assert OBJECTS[0]["id"] == "clickstream-events"


@pytest.mark.parametrize("one", OBJECTS, ids=title)
def test_an_object_is_whole(one: dict[str, Any]) -> None:
    known = {(other["type"], other["id"]) for other in OBJECTS}
    assert all((ref["type"], ref["id"]) in known for ref in one["references"])
    assert len({ref["name"] for ref in one["references"]}) == len(one["references"])
    assert one["migrationVersion"] == {one["type"]: ".".join(map(str, MIGRATIONS[one["type"]]))}
    for _, text in texts(one["attributes"]):
        json.loads(text)
    assert "script" not in json.dumps(one).replace("scripted", "").replace("description", "")


def test_the_index_pattern_is_the_mapping() -> None:
    fields = json.loads(OBJECTS[0]["attributes"]["fields"])
    assert {one["name"]: {"type": one["esTypes"][0]} for one in fields} == {
        name: {"type": mapped["type"]} for name, mapped in MAPPING["properties"].items()
    }
    assert OBJECTS[0]["attributes"]["timeFieldName"] == "event_time"


@pytest.mark.parametrize("one", VISUALIZATIONS, ids=title)
def test_a_visualization_names_its_index_once_and_known_fields_only(one: dict[str, Any]) -> None:
    state = json.loads(one["attributes"]["visState"])
    source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert state["title"] == title(one)
    if state["type"] == "vega":
        spec = json.loads(state["params"]["spec"])
        assert spec["data"]["url"]["index"] == "clickstream-events*"
        assert "indexRefName" not in source
        return
    assert [ref["name"] for ref in one["references"]] == [source["indexRefName"]]
    fields = {agg["params"].get("field") for agg in state["aggs"]} - {None}
    assert fields <= set(MAPPING["properties"])
    assert len({agg["id"] for agg in state["aggs"]}) == len(state["aggs"])
    assert aggregations(state["aggs"]) or state["aggs"][0]["type"] == "count"


@pytest.mark.parametrize("one", DASHBOARDS, ids=title)
def test_a_dashboard_shows_each_panel_once_and_none_over_another(one: dict[str, Any]) -> None:
    attributes = one["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    assert [panel["panelRefName"] for panel in panels] == [ref["name"] for ref in one["references"]]
    assert len({ref["id"] for ref in one["references"]}) == len(panels)
    cells = Counter(
        (x, y)
        for grid in (panel["gridData"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    )
    assert set(cells.values()) == {1}
    assert max(x for x, _ in cells) == 47
    assert [panel["gridData"]["i"] for panel in panels] == [panel["panelIndex"] for panel in panels]
    assert (attributes["timeRestore"], attributes["timeFrom"], attributes["timeTo"]) == (True, *SPAN)


def test_every_visualization_is_on_a_dashboard() -> None:
    shown = {ref["id"] for one in DASHBOARDS for ref in one["references"]}
    assert shown == {one["id"] for one in VISUALIZATIONS}


def test_the_package_takes_it_along_to_where_it_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    forced = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    place = Path(saved_objects.__file__).parent.relative_to(ROOT / "src") / saved_objects.FILE
    assert forced == {FILE.relative_to(ROOT).as_posix(): place.as_posix()}


def test_what_the_package_brings_is_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / saved_objects.FILE).write_text(
        '{"type":"index-pattern","attributes":{"title":"clickstream-events*"}}\n'
    )
    monkeypatch.setattr(saved_objects, "files", {"clickstream.services.opensearch": tmp_path}.__getitem__)
    assert [title(one) for one in saved_objects.saved_objects("shop", None)] == ["shop*"]


def test_it_is_fitted_to_the_index_and_the_time_of_the_data() -> None:
    objects = saved_objects.saved_objects("shop.events-7", (1_430_622_004_384, 1_442_545_187_788))
    assert "clickstream-events*" not in json.dumps(objects)
    assert title(objects[0]) == "shop.events-7*"
    specs = [json.loads(json.loads(one["attributes"]["visState"])["params"].get("spec", "{}")) for one in objects[1:10]]
    assert {spec["data"]["url"]["index"] for spec in specs if spec} == {"shop.events-7*"}
    for one in objects[-2:]:
        assert one["attributes"]["timeFrom"] == "2015-05-03T03:00:04.384Z"
        assert one["attributes"]["timeTo"] == "2015-09-18T02:59:47.788Z"
    assert [one["id"] for one in objects] == [one["id"] for one in OBJECTS]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (9, "1970-01-01T00:00:00.009Z"),
    ],
)
def test_times_are_told_as_dashboards_reads_them(milliseconds: int, text: str) -> None:
    assert saved_objects.iso(milliseconds) == text


def test_without_events_the_time_stays() -> None:
    assert saved_objects.saved_objects("clickstream-events", None) == OBJECTS
