"""Makes the saved objects for OpenSearch Dashboards: `python -m tools.dashboards` writes opensearch/dashboards.ndjson.

Run it after a change here; a test compares the file with what this makes. No picture needs a script on the server:
what aggregations alone cannot say (the hour of the day, a rate) Vega computes in the browser. A user who imports the
file puts the index's name and the data's own time range in place of those that stand here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tools import dashboard_parts as parts
from tools.dashboard_parts import PATTERN, Json

FILE = Path(__file__).resolve().parents[1] / "opensearch" / "dashboards.ndjson"

SPAN = ("2015-05-03T00:00:00.000Z", "2015-09-18T23:59:59.999Z")
"""Of the shop's data as it comes, for users who import the file by hand."""

MIGRATED = {"index-pattern": "7.6.0", "visualization": "7.10.0", "dashboard": "7.9.3"}
"""The newest form of each type: all of OpenSearch Dashboards 2 and 3 have these migrations, and none after them."""

PATTERN_ID = "clickstream-events"

PANEL_VERSION = "3.0.0"

WIDTH = 48
"""Columns of a dashboard's grid."""

FIELDS = {
    "event_time": ("date", "date"),
    "visitor_id": ("number", "long"),
    "event": ("string", "keyword"),
    "item_id": ("number", "long"),
    "transaction_id": ("number", "long"),
}
"""The mapping's fields: type as Dashboards has it, and as OpenSearch has it."""

IDS = ("visitor_id", "item_id", "transaction_id")


def render() -> str:
    """The whole file: an object a line, each after those that it refers to."""
    objects = [index_pattern(), *visualizations(), *dashboards()]
    return "".join(f"{_text(one)}\n" for one in objects)


def index_pattern() -> Json:
    fields = [
        {
            "name": name,
            "type": type_,
            "esTypes": [mapped],
            "count": 0,
            "scripted": False,
            "searchable": True,
            "aggregatable": True,
            "readFromDocValues": True,
        }
        for name, (type_, mapped) in FIELDS.items()
    ]
    # An id is not an amount: no thousands separator.
    formats = {name: {"id": "number", "params": {"pattern": "0"}} for name in IDS}
    attributes = {
        "title": PATTERN,
        "timeFieldName": "event_time",
        "fields": _text(fields),
        "fieldFormatMap": _text(formats),
    }
    return _object("index-pattern", PATTERN_ID, attributes, [])


def visualizations() -> Iterator[Json]:
    by_kind = parts.terms("3", "event", "group", size=3)
    yield _visualization("Key Figures", "metric", [parts.count("events"), *parts.distinct()], parts.METRIC)
    yield _visualization(
        "Events Over Time", "histogram", [parts.count("events"), parts.over_time(), by_kind], parts.axes("bottom")
    )
    yield _visualization(
        "Event Types Breakdown", "pie", [parts.count("events"), parts.terms("2", "event", "segment")], parts.PIE
    )
    yield _visualization(
        "Conversion Funnel",
        "horizontal_bar",
        [parts.cardinality("1", "visitor_id", "visitors"), parts.steps()],
        parts.axes("left"),
    )
    for title, kind, label in (("Viewed", "view", "views"), ("Purchased", "transaction", "purchases")):
        aggs = [parts.count(label), parts.terms("2", "item_id", "segment", size=10, label="item")]
        yield _visualization(f"Top {title} Items", "horizontal_bar", aggs, parts.axes("left"), query=f"event:{kind}")
    yield _vega("Events by Hour of Day", parts.hours())
    yield _vega("Conversion by Day", parts.conversion())
    yield _visualization("Hot Visitors", "table", parts.hot(), parts.TABLE)


def dashboards() -> Iterator[Json]:
    yield _dashboard(
        "Traffic Overview",
        "How many events, when, of which kinds, by whom, and of what.",
        [
            [("Key Figures", WIDTH)],
            [("Events Over Time", 32), ("Event Types Breakdown", 16)],
            [("Events by Hour of Day", 24), ("Top Viewed Items", 24)],
            [("Hot Visitors", WIDTH)],
        ],
    )
    yield _dashboard(
        "Conversion Analysis",
        "How many visitors went from looking to buying, on which days, and what they bought.",
        [
            [("Conversion Funnel", 24), ("Conversion by Day", 24)],
            [("Top Viewed Items", 24), ("Top Purchased Items", 24)],
        ],
    )


def _visualization(title: str, type_: str, aggs: list[Json], params: Json, *, query: str = "") -> Json:
    state = {"title": title, "type": type_, "aggs": aggs, "params": {"type": type_, **params}}
    reference = "kibanaSavedObjectMeta.searchSourceJSON.index"  # its name whatever the product is called
    source = {"query": {"query": query, "language": "kuery"}, "filter": [], "indexRefName": reference}
    references = [{"name": reference, "type": "index-pattern", "id": PATTERN_ID}]
    return _object("visualization", _id(title), _drawn(title, state, source), references)


def _vega(title: str, spec: Json) -> Json:
    state = {"title": title, "type": "vega", "aggs": [], "params": {"spec": json.dumps(spec, indent=2)}}
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    return _object("visualization", _id(title), _drawn(title, state, source), [])


def _drawn(title: str, state: Json, source: Json) -> Json:
    return {
        "title": title,
        "description": "",
        "version": 1,
        "uiStateJSON": "{}",
        "visState": _text(state),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(source)},
    }


def _dashboard(title: str, description: str, rows: list[list[tuple[str, int]]]) -> Json:
    panels, references, y = [], [], 0
    for row in rows:
        height = 8 if row[0][0] == "Key Figures" else 15
        x = 0
        for shown, width in row:
            number = str(len(panels))
            panels.append(
                {
                    "version": PANEL_VERSION,
                    "gridData": {"x": x, "y": y, "w": width, "h": height, "i": number},
                    "panelIndex": number,
                    "embeddableConfig": {},
                    "panelRefName": f"panel_{number}",
                }
            )
            references.append({"name": f"panel_{number}", "type": "visualization", "id": _id(shown)})
            x += width
        y += height
    attributes = {
        "title": title,
        "description": description,
        "hits": 0,
        "version": 1,
        "panelsJSON": _text(panels),
        "optionsJSON": _text({"hidePanelTitles": False, "useMargins": True}),
        "timeRestore": True,
        "timeFrom": SPAN[0],
        "timeTo": SPAN[1],
        "refreshInterval": {"pause": True, "value": 0},
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _text({"query": {"query": "", "language": "kuery"}, "filter": []})
        },
    }
    return _object("dashboard", _id(title), attributes, references)


def _object(type_: str, id_: str, attributes: Json, references: list[Json]) -> Json:
    return {
        "type": type_,
        "id": id_,
        "attributes": attributes,
        "references": references,
        "migrationVersion": {type_: MIGRATED[type_]},
    }


def _id(title: str) -> str:
    """Stays the same while the title does, so that importing again replaces."""
    return f"clickstream-{title.lower().replace(' ', '-')}"


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
