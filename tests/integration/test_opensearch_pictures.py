"""The pictures on a real OpenSearch node: init, search, and whatever Dashboards would ask for each visualization."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clickstream.actions.opensearch.search import search
from clickstream.cli.main import run as clickstream
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ServiceRefused, UsageError
from clickstream.domain.times import moment
from clickstream.pipeline.events.decode import Message
from clickstream.pipeline.indexer.documents import documents
from clickstream.services.opensearch.bulk import BulkWriter
from clickstream.services.opensearch.client import connect
from clickstream.services.opensearch.index import SETTINGS, EventsIndex
from clickstream.services.opensearch.saved_objects import iso, saved_objects
from tests.dashboards import Dashboards, request_of, serving
from tests.feed import KINDS, START_MS, shop
from tests.oracle import Event
from tests.searching import search_stack_in

pytestmark = pytest.mark.slow  # the node and its compiler take their time, and the first run downloads it

HOUR_MS = 3_600_000
EVENTS = sorted(set(shop(31, 4000, visitors=300, span_ms=9 * 24 * HOUR_MS)))
SPAN = (min(event.time_ms for event in EVENTS), max(event.time_ms for event in EVENTS))
OBJECTS = saved_objects("pictures", SPAN)
VISUALIZATIONS = [one for one in OBJECTS if one["type"] == "visualization"]


@pytest.fixture(scope="module")
def home(shelter: Path) -> Iterator[Home]:
    with search_stack_in(shelter / "pictures") as home:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CLICKSTREAM_HOME", str(home.root))
            patch.setenv("OPENSEARCH_EVENTS_INDEX", "pictures")
            store(load_settings(), EVENTS)
        yield home


@pytest.fixture
def settings(home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An index that holds EVENTS; no test changes it."""
    monkeypatch.setenv("CLICKSTREAM_HOME", str(home.root))
    monkeypatch.setenv("OPENSEARCH_EVENTS_INDEX", "pictures")
    return load_settings()


@pytest.fixture
def empty(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings for an index that is not there."""
    monkeypatch.setenv("OPENSEARCH_EVENTS_INDEX", "picture-none")
    found = load_settings()
    yield found
    with connect(found.opensearch) as client:
        client.indices.delete(index="picture-none*", ignore=404)
        client.indices.delete_index_template(name="picture-none", ignore=404)


def store(settings: Settings, events: list[Event]) -> None:
    with closing(EventsIndex(settings.opensearch)) as index, closing(BulkWriter(settings.opensearch)) as writer:
        index.ensure()
        messages = [
            Message(
                timestamp=event.time_ms,
                visitor_id=event.visitor_id,
                event=KINDS[event.kind],  # type: ignore[arg-type]
                item_id=event.item_id,
                transaction_id=event.visitor_id if event.kind == 2 else None,
            )
            for event in events
        ]
        assert writer.send(documents(messages)).created == len(events)
        index.refresh()


def buckets_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The outermost buckets of an answer; none: it has metrics only."""
    outermost = next((one["buckets"] for one in found.values() if "buckets" in one), [])
    return list(outermost.values()) if isinstance(outermost, dict) else outermost


@pytest.mark.parametrize("one", VISUALIZATIONS, ids=lambda one: one["attributes"]["title"])
def test_what_dashboards_asks_for_a_picture_is_answered(settings: Settings, one: dict[str, Any]) -> None:
    index, body = request_of(one, "pictures*", (iso(SPAN[0]), iso(SPAN[1])))
    with connect(settings.opensearch) as client:
        answer = client.search(index=index, body=body)
    found = answer["aggregations"]
    if one["attributes"]["title"] == "Key Figures":
        bought = {event.visitor_id for event in EVENTS if event.kind == 2}
        assert answer["hits"]["total"]["value"] == len(EVENTS)
        assert found["2"]["value"] == len({event.visitor_id for event in EVENTS})
        assert found["4"]["value"] == len(bought)
        return
    buckets = buckets_of(found)
    assert buckets
    assert all(bucket["doc_count"] for bucket in buckets)


def test_the_funnel_counts_visitors_in_the_order_of_the_steps(settings: Settings) -> None:
    funnel = next(one for one in VISUALIZATIONS if one["attributes"]["title"] == "Conversion Funnel")
    _, body = request_of(funnel, "", (iso(SPAN[0]), iso(SPAN[1])))
    with connect(settings.opensearch) as client:
        buckets = client.search(index="pictures", body=body)["aggregations"]["2"]["buckets"]
    counted = [len({event.visitor_id for event in EVENTS if event.kind == kind}) for kind in range(3)]
    assert list(buckets) == ["1. viewed", "2. added to cart", "3. purchased"]
    assert [bucket["1"]["value"] for bucket in buckets.values()] == counted


def test_a_search_counts_what_is_there(settings: Settings) -> None:
    found = search(settings, newest=3)
    assert (found.query, found.hits, found.first, found.last) == ("*", len(EVENTS), *SPAN)
    assert sum(slot.events for slot in found.over_time) == len(EVENTS)
    bought = [event for event in EVENTS if event.kind == 2]
    assert sum(slot.purchases for slot in found.over_time) == len(bought)
    assert 1 < len(found.over_time) <= 24
    for kind, counted in enumerate(found.kinds):
        own = [event for event in EVENTS if event.kind == kind]
        assert (counted.event, counted.events) == (KINDS[kind], len(own))
        assert counted.visitors == len({event.visitor_id for event in own})
    for kind, top in ((0, found.top_viewed), (2, found.top_purchased)):
        items = Counter(event.item_id for event in EVENTS if event.kind == kind)
        assert [one.events for one in top] == sorted(items.values(), reverse=True)[:10]
        assert all(items[one.item_id] == one.events for one in top)
    assert [one.event_time for one in found.newest] == sorted((event.time_ms for event in EVENTS), reverse=True)[:3]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("event:transaction AND visitor_id:{visitor}", lambda event, own: event.kind == 2 and event.visitor_id == own),
        ("transaction OR addtocart", lambda event, own: event.kind > 0),
        ("event_time:[{day} TO *]", lambda event, own: event.time_ms >= START_MS + 24 * HOUR_MS),
        ("NOT event:view", lambda event, own: event.kind > 0),
        ("_exists_:transaction_id", lambda event, own: event.kind == 2),
        ('"nothing:of the sort"', lambda event, own: False),
        ("   ", lambda event, own: True),
    ],
)
def test_a_query_finds_what_it_says(settings: Settings, query: str, wanted: Any) -> None:
    visitor = next(event.visitor_id for event in EVENTS if event.kind == 2)
    day = moment(START_MS + 24 * HOUR_MS).replace(":", r"\:")
    found = search(settings, query.format(visitor=visitor, day=day))
    assert found.hits == sum(wanted(event, visitor) for event in EVENTS)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("event:(", "Encountered"),
        ("visitor_id:abc", "abc"),
        ("event_time:yesterday", "yesterday"),
        ("visitr_id:5", "no field visitr_id .*visitor_id"),
        ("view AND (price:5 OR item_id:3)", "no field price"),
    ],
)
def test_a_query_that_is_none_is_wrong_use(
    settings: Settings, capsys: pytest.CaptureFixture[str], query: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        search(settings, query)
    assert clickstream(["opensearch", "search", query]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.count("\n") == 1


def test_the_command_shows_five_pictures_and_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert clickstream(["opensearch", "search"]) == 0
    text = capsys.readouterr().out
    for title in (
        "Events Over Time",
        "Event Types Breakdown",
        "Conversion Funnel",
        "Top Viewed Items",
        "Top Purchased",
    ):
        assert title in text
    assert text.startswith(f"*: {len(EVENTS):,} events of pictures in ")
    assert clickstream(["opensearch", "search", "--json", "event:transaction", "AND", "item_id:3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["query"] == "event:transaction AND item_id:3"
    assert told["hits"] == sum(event.kind == 2 and event.item_id == 3 for event in EVENTS)
    assert clickstream(["opensearch", "search", "--json", "event:nothing"]) == 0
    nothing = json.loads(capsys.readouterr().out)
    assert (nothing["hits"], nothing["first"], nothing["newest"]) == (0, None, [])
    assert nothing["events_over_time"] == {"interval": "", "slots": []}


def test_a_search_without_an_index_says_what_makes_it(empty: Settings) -> None:
    with pytest.raises(ServiceRefused, match=r"no index picture-none yet .*consumer start"):
        search(empty)


def test_init_makes_template_and_index_where_there_is_no_dashboards(
    empty: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clickstream(["opensearch", "init", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["index_made"], told["template_made"], told["documents"]) == (True, True, 0)
    assert (told["time_range"], told["imported"], told["pages"]) == (None, [], [])
    with connect(empty.opensearch) as client:
        client.index(index="picture-none-2", body={"event": "view"})
        made = client.indices.get(index="picture-none-2")["picture-none-2"]
    assert made["mappings"]["dynamic"] == "strict"
    assert made["settings"]["index"]["auto_expand_replicas"] == SETTINGS["auto_expand_replicas"]
    assert clickstream(["opensearch", "init"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == "✓ OpenSearch is enabled"
    assert told.out.splitlines()[2] == "✓ index picture-none: 0 documents"
    assert "clickstream opensearch search" in told.err


def test_an_index_whose_name_begins_like_another_has_a_template_of_its_own(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSEARCH_EVENTS_INDEX", "picture-none-of-these")
    longer = load_settings()
    for one in (longer, empty, longer):
        with closing(EventsIndex(one.opensearch)) as index:
            index.ensure_template()
            index.ensure()
    with connect(longer.opensearch) as client:
        client.indices.delete_index_template(name="picture-none-of-these")


def test_init_imports_with_the_time_of_the_data(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = Dashboards(login="ana:s3cret")
    with serving(state) as url:
        monkeypatch.setenv("OPENSEARCH_DASHBOARDS_URL", url.replace("//", "//ana:s3cret@"))
        assert clickstream(["opensearch", "init"]) == 0
        told = capsys.readouterr()
        assert told.out.splitlines() == [
            "✓ OpenSearch is enabled",
            told.out.splitlines()[1],
            f"✓ index pictures: {len(EVENTS):,} documents",
            "✓ index pattern pictures*",
            *(f"✓ {one['type']} {one['attributes']['title']}" for one in OBJECTS[1:]),
            f"open {url}/app/dashboards?security_tenant=global#/view/clickstream-traffic-overview"
            f" or {url}/app/dashboards?security_tenant=global#/view/clickstream-conversion-analysis",
        ]
        dashboards = [one for (_, kind, _), one in state.objects.items() if kind == "dashboard"]
        assert {(one["attributes"]["timeFrom"], one["attributes"]["timeTo"]) for one in dashboards} == {
            (iso(SPAN[0]), iso(SPAN[1]))
        }
        state.login = "ana:other"
        assert clickstream(["opensearch", "init"]) == 1
        told = capsys.readouterr()
        assert "OpenSearch Dashboards refused: HTTP 401" in told.err
        assert "s3cret" not in told.err
        assert told.out.splitlines()[-1] == f"✓ index pictures: {len(EVENTS):,} documents"
    assert clickstream(["opensearch", "init", "--json"]) == 1
    told = capsys.readouterr()
    assert not told.out
    assert "OpenSearch Dashboards does not answer" in told.err
