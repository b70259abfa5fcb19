"""The parts of the saved objects for OpenSearch Dashboards: aggregations, the looks of charts, charts in Vega. Pure."""

from __future__ import annotations

from typing import Any

PATTERN = "clickstream-events*"

STEPS = {"1. viewed": "view", "2. added to cart": "addtocart", "3. purchased": "transaction"}
"""Numbered, since the server hands out named filters in the order of their names."""

Json = dict[str, Any]


def agg(id_: str, type_: str, schema: str, params: Json) -> Json:
    return {"id": id_, "enabled": True, "type": type_, "schema": schema, "params": params}


def count(label: str) -> Json:
    return agg("1", "count", "metric", {"customLabel": label})


def cardinality(id_: str, field: str, label: str) -> Json:
    return agg(id_, "cardinality", "metric", {"field": field, "customLabel": label})


def distinct() -> list[Json]:
    named = {"visitor_id": "visitors", "item_id": "items", "transaction_id": "orders"}
    return [cardinality(str(number), field, label) for number, (field, label) in enumerate(named.items(), start=2)]


def over_time() -> Json:
    params = {
        "field": "event_time",
        "useNormalizedOpenSearchInterval": True,
        "scaleMetricValues": False,
        "interval": "auto",
        "drop_partials": False,
        "min_doc_count": 1,
        "extended_bounds": {},
    }
    return agg("2", "date_histogram", "segment", params)


def terms(id_: str, field: str, schema: str, *, size: int = 5, label: str = "") -> Json:
    params = {
        "field": field,
        "orderBy": "1",
        "order": "desc",
        "size": size,
        "otherBucket": False,
        "otherBucketLabel": "Other",
        "missingBucket": False,
        "missingBucketLabel": "Missing",
        **({"customLabel": label} if label else {}),
    }
    return agg(id_, "terms", schema, params)


def steps() -> Json:
    filters = [
        {"input": {"query": f"event:{kind}", "language": "kuery"}, "label": label} for label, kind in STEPS.items()
    ]
    return agg("2", "filters", "segment", {"filters": filters})


def hot() -> list[Json]:
    return [
        count("events"),
        cardinality("3", "item_id", "items"),
        cardinality("4", "transaction_id", "orders"),
        agg("5", "max", "metric", {"field": "event_time", "customLabel": "last seen"}),
        terms("2", "visitor_id", "bucket", size=20, label="visitor"),
    ]


def axes(position: str) -> Json:
    """Of a bar chart: the categories at the bottom, or at the left where the bars lie."""
    across = {"bottom": "left", "left": "bottom"}[position]
    labels = {"show": True, "rotate": 0, "filter": False, "truncate": 100}
    value_axis = {
        "id": "ValueAxis-1",
        "name": f"{across.capitalize()}Axis-1",
        "type": "value",
        "position": across,
        "show": True,
        "style": {},
        "scale": {"type": "linear", "mode": "normal"},
        "labels": labels,
        "title": {"text": ""},
    }
    category_axis = {
        "id": "CategoryAxis-1",
        "type": "category",
        "position": position,
        "show": True,
        "style": {},
        "scale": {"type": "linear"},
        "labels": labels,
        "title": {},
    }
    series = {
        "show": True,
        "type": "histogram",
        "mode": "stacked" if position == "bottom" else "normal",
        "data": {"label": "", "id": "1"},
        "valueAxis": "ValueAxis-1",
        "drawLinesBetweenPoints": True,
        "lineWidth": 2,
        "showCircles": True,
    }
    return {
        "grid": {"categoryLines": False},
        "categoryAxes": [category_axis],
        "valueAxes": [value_axis],
        "seriesParams": [series],
        "addTooltip": True,
        "addLegend": position == "bottom",
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
        "labels": {"show": position == "left"},
    }


PIE = {
    "addTooltip": True,
    "addLegend": True,
    "legendPosition": "right",
    "isDonut": True,
    "labels": {"show": True, "values": True, "last_level": True, "truncate": 100},
}

METRIC = {
    "addTooltip": True,
    "addLegend": False,
    "metric": {
        "percentageMode": False,
        "useRanges": False,
        "colorSchema": "Green to Red",
        "metricColorMode": "None",
        "colorsRange": [{"from": 0, "to": 10000}],
        "labels": {"show": True},
        "invertColors": False,
        "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 36},
    },
}

TABLE = {
    "perPage": 10,
    "showPartialRows": False,
    "showMetricsAtAllLevels": False,
    "showTotal": False,
    "totalFunc": "sum",
    "percentageCol": "",
}


def hours() -> Json:
    return _chart(
        {"slots": {"date_histogram": {"field": "event_time", "fixed_interval": "1h", "min_doc_count": 1}}},
        [
            {"calculate": "utchours(datum.key)", "as": "hour"},
            {"aggregate": [{"op": "sum", "field": "doc_count", "as": "events"}], "groupby": ["hour"]},
        ],
        {"type": "bar"},
        {
            "x": {"field": "hour", "type": "ordinal", "title": "hour of the day (UTC)", "axis": {"labelAngle": 0}},
            "y": {"field": "events", "type": "quantitative", "title": "events"},
        },
    )


def conversion() -> Json:
    visitors = {"visitors": {"cardinality": {"field": "visitor_id"}}}
    slots = {
        "date_histogram": {"field": "event_time", "calendar_interval": "1d", "min_doc_count": 1},
        "aggs": {**visitors, "buyers": {"filter": {"term": {"event": "transaction"}}, "aggs": visitors}},
    }
    return _chart(
        {"slots": slots},
        [{"calculate": "100 * datum.buyers.visitors.value / datum.visitors.value", "as": "conversion"}],
        {"type": "line", "point": True},
        {
            "x": {"field": "key", "type": "temporal", "title": "day (UTC)", "scale": {"type": "utc"}},
            "y": {"field": "conversion", "type": "quantitative", "title": "% of visitors who bought"},
        },
    )


def _chart(aggs: Json, transform: list[Json], mark: Json, encoding: Json) -> Json:
    url = {
        "%context%": True,  # the dashboard's filters,
        "%timefield%": "event_time",  # its time range among them
        "index": PATTERN,
        "body": {"size": 0, "aggs": aggs},
    }
    tooltip = [
        {key: value for key, value in one.items() if key in {"field", "type", "title"}} for one in encoding.values()
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"url": url, "format": {"property": "aggregations.slots.buckets"}},
        "transform": transform,
        "mark": mark,
        "encoding": {**encoding, "tooltip": tooltip},
    }
