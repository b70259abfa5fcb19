"""Text fits the terminal: columns go in the order that their table states, and no number and no name is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from clickstream.actions.analytics import Analytics, Funnel
from clickstream.actions.config.check import Check
from clickstream.actions.data.info import describe
from clickstream.actions.demo.run import DemoResult
from clickstream.actions.funnel import DetailedAnalytics, FunnelSlot, OrderedFunnel
from clickstream.actions.observe.back_pressure import BackPressure
from clickstream.actions.observe.history import LagHistory, LagPoint
from clickstream.actions.observe.model import (
    DOWN,
    LAGGING,
    STALLED,
    Figure,
    Frame,
    IndexedPartition,
    IndexLag,
    ProcessRow,
    StoredCounts,
)
from clickstream.actions.rejects.listing import Listing
from clickstream.actions.stack import ServerStatus, StackStatus
from clickstream.actions.topic import Gap, PartitionMessages, Topic
from clickstream.actions.verify.sessions import Verification
from clickstream.cli import fitting, frames, output
from clickstream.cli.commands import demo as demo_commands
from clickstream.cli.commands import opensearch as opensearch_commands
from clickstream.cli.commands import sessions as session_commands
from clickstream.cli.commands import topic as topic_commands
from clickstream.cli.commands import verify as verify_commands
from clickstream.cli.diagnostics import print_message
from clickstream.cli.main import run as clickstream
from clickstream.cli.output import Block, Table, TextLine
from clickstream.domain.processes import ProcessState
from clickstream.services.opensearch.search import Document, EventCounts, Item, SearchResult, TimeSlot
from clickstream.services.postgres.analytics import TopItem
from tests.changing import replace
from tests.tui import benchmark_figures, funnel_figures, stand_ins
from tests.tui.frames import NOW, running
from tests.unit.test_cli_watch import FakeWatcher

BIG = 123_456_789
HOST = "ip-10-0-12-34.eu-central-1.compute.internal"
IPV6 = "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:5432"
FUNNEL = Funnel(987_654_321, 123_456_789, 98_765_432, 111_222_333, 10.06, 66.49, 1.21)


def frame() -> Frame:
    """A frame with large figures, long names, a host of another network and a server that does not answer."""
    found = running()
    partitions = tuple(
        replace(
            row,
            partition=10 + number,
            end=2 * BIG + number,
            position=BIG,
            lag=BIG + number,
            state=(LAGGING, STALLED, LAGGING)[number],
            trend="growing",
            seconds_to_drain=7_530.0,
            seconds_behind=3_725.0,
            owner=(f"consumer-{10 + number}", f"consumer-11 on {HOST}", None)[number],
            foreign_owner=None if number < 2 else "reporting-app on 10.0.0.9",
        )
        for number, row in enumerate(found.partitions)
    )
    services = tuple(
        replace(row, state=DOWN, latency_ms=None, error=f"PostgreSQL at {IPV6} does not answer: connection refused")
        if row.name == "postgresql"
        else row
        for row in found.services
    )
    indexed = tuple(IndexedPartition(row.partition, row.position, row.end, row.lag, row.owner) for row in partitions)
    return replace(
        found,
        home="/srv/shops/of-the-north/clickstream-home",
        addresses=(("kafka", f"{HOST}:9092"), ("postgresql", IPV6)),
        services=services,
        partitions=partitions,
        processes=(*found.processes, *workers()),
        lag=3 * BIG,
        indexing=IndexLag("clickstream-opensearch", 3 * BIG, indexed),
        active_sessions=BIG,
        counts=Figure(StoredCounts(9 * BIG, 7 * BIG, BIG, BIG, BIG, BIG), NOW),
    )


def workers() -> tuple[ProcessRow, ...]:
    near = replace(
        running().workers("consumer")[0],
        name="consumer-12",
        partitions=tuple(range(10, 16)),
        rate=61_234.0,
        lag=BIG,
        restarts=1_234,
        rss_bytes=1_234_567_890,
        uptime_seconds=7_530.0,
        activity="waiting",
        detail=f"PostgreSQL at {IPV6} does not answer: connection refused",
    )
    return near, replace(near, name="consumer-13", local=False, host=HOST, pid=1_234_567)


def pressures() -> list[BackPressure]:
    stages = {"fetch": 0.1, "decode": 0.2, "sessions": 0.3, "postgresql": 1.0}
    busy = BackPressure("consumer-12", "running", 1.0, 1.0, stages, "postgresql", BIG, 12_345, 1.0)
    return [busy, replace(busy, worker="consumer-13", bottleneck="PostgreSQL does not answer")]


def history() -> LagHistory:
    points = (LagPoint(NOW + 5 * n, 12 * BIG * n, dict.fromkeys(range(12), BIG * n)) for n in range(4))
    return LagHistory("clickstream-events", 300.0, tuple(points), "")


def detailed() -> DetailedAnalytics:
    items = tuple(TopItem(BIG, BIG, BIG, BIG) for _ in range(3))
    slots = tuple(FunnelSlot(n, BIG, BIG, BIG) for n in range(24))
    ordered = OrderedFunnel(9 * BIG, 8 * BIG, BIG, 130.4, 7_530.0)
    return DetailedAnalytics(FUNNEL, FUNNEL, FUNNEL, items, slots, slots, ordered)


def searched() -> SearchResult:
    return SearchResult(
        query="visitor_id:123456789 AND event:transaction",
        index="clickstream-events",
        hits=BIG,
        took_ms=1_234,
        first=0,
        last=86_400_000,
        interval="12h",
        over_time=tuple(TimeSlot(n * 43_200_000, BIG // (n + 1), 9) for n in range(3)),
        kinds=(
            EventCounts("view", BIG, BIG),
            EventCounts("addtocart", BIG // 3, BIG // 3),
            EventCounts("transaction", BIG // 9, BIG // 9),
        ),
        top_viewed=(Item(BIG, BIG),),
        top_purchased=(Item(BIG, BIG),),
        newest=(Document(1_433_221_332_117, BIG, "transaction", BIG, BIG),),
    )


def topic() -> Topic:
    partitions = tuple(PartitionMessages(n, BIG, 9 * BIG, 8 * BIG) for n in range(12))
    gaps = (Gap(1, BIG, 9 * BIG, 8 * BIG, "2026-11-27T17:49:06.220Z"),)
    configs = {"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1"}
    return Topic("clickstream-events", "7jt/ai3RTyCS98ipUm2asA", 99 * BIG, partitions, gaps, configs)


def verified(*, examples: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    names = (
        "events", "sessions_stored", "sessions_expected", "missing", "unexpected", "different", "duplicate_events",
        "skipped_messages", "different_days",
    )  # fmt: skip
    return {"ok": False, **dict.fromkeys(names, 9 * BIG), "examples": list(examples)}


def demonstrated() -> DemoResult:
    verification = Verification(BIG, BIG, BIG, 0, 0, 0, 0)
    analytics = Analytics(FUNNEL, FUNNEL, FUNNEL, (TopItem(BIG, BIG, BIG, BIG),))
    return DemoResult(BIG, BIG, BIG, BIG, 7_530.0, 126_000.0, verification, analytics, BIG, BIG, "")


EXAMPLE = {
    "kind": "different session", "of": "123456789-1433221332117", "columns": ["event_count"],
    "stored": {"event_count": BIG}, "expected": {"event_count": BIG + 1},
}  # fmt: skip

VIEWS: dict[str, tuple[Callable[[], Sequence[Block]], list[str]]] = {
    "status": (
        lambda: frames.status(frame()),
        ["service", "state", "worker", "lag", "✖ down", "consumer-12", "▲ waiting", "123,456,789", HOST, IPV6],
    ),
    "lag": (
        lambda: frames.lag(frame()),
        ["partition", "state", "lag", "behind", "▲ LAGGING", "✖ STALLED", "123,456,791", "1 h 2 min", "370,370,367"],
    ),
    "lag --report": (
        lambda: frames.report(frame(), pressures()),
        ["consumer-12", "bottleneck", "idle", "waits", "100%"],
    ),
    "lag --history": (lambda: frames.history(history()), ["time", "lag", "4,444,444,404", "█", "p0"]),
    "consumer list": (
        lambda: frames.workers(workers()),
        ["worker", "state", "lag", "consumer-12", "123,456,789", "▲ waiting", HOST, IPV6],
    ),
    "producer status": (lambda: frames.producer(workers()[0]), ["state", "acknowledged", "rate", "pace"]),
    "analytics --detail": (
        lambda: session_commands.details(detailed()),
        ["window", "sessions", "conversion", "10.06 %", "all time", "987,654,321", "pairs", "day (UTC)", "hour (UTC)"],
    ),
    "sessions show": (
        lambda: session_commands.visitor_sessions(funnel_figures.visitor()),
        ["session", "start", "time", "event", "item", "transaction", "2015-08-29T18:49:59.100Z"],
    ),
    "verify": (lambda: verify_commands.verdict(verified(examples=[EXAMPLE])), ["figure", "rows", "1,111,111,101"]),
    "topic show": (
        lambda: topic_commands.description(topic()),
        ["partition", "begin", "end", "messages", "from", "to", "1,111,111,101"],
    ),
    "opensearch search": (
        lambda: opensearch_commands.pictures(searched()),
        ["events", "█", "visitor", "event time (UTC)", "transaction", "123,456,789", "2015-06-02T05:02:12.117Z"],
    ),
    "demo": (
        lambda: demo_commands.outcome(demonstrated()),
        ["events", "rejected", "duplicates", "2 h 5 min", "conversion"],
    ),
}


@dataclass(frozen=True)
class Fake:
    """What the actions of a command give."""

    home: Path
    patch: pytest.MonkeyPatch

    def stack_status(self) -> list[str]:
        servers = (
            ServerStatus("kafka", ProcessState.RUNNING, "127.0.0.1", 49_152, 1_234_567, rss_bytes=1_234_567_890),
            ServerStatus("postgresql", ProcessState.BACKOFF, "127.0.0.1", 49_153, None, 3, "killed by SIGKILL " * 5),
        )
        self.patch.setattr("clickstream.actions.stack.status", lambda _: StackStatus(servers))
        return ["stack", "status"]

    def config_check(self) -> list[str]:
        checks = [
            Check("postgresql", "failed", f"{IPV6}: connection refused, after 3 min 20 s", "start it, or set PG_HOST"),
            Check("disk", "ok", f"1.2 GiB free under /srv/{'shops/' * 20}home"),
        ]
        self.patch.setattr("clickstream.actions.config.check.check", lambda _: checks)
        return ["config", "check"]

    def config_show(self) -> list[str]:
        self.patch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"{HOST}:9092,broker-2.{HOST}:9092")
        self.patch.setenv("PG_HOST", IPV6[1:-6])
        self.patch.setenv("VALKEY_HOST", HOST)
        self.patch.setenv("PRODUCER_DATA_FILE", "/srv/shops/of-the-north/in-november/clickstream/events.csv")
        return ["config", "show"]

    def rejects_list(self) -> list[str]:
        found = Listing(stand_ins.ALL, BIG)
        self.patch.setattr("clickstream.actions.rejects.listing.listing", lambda *_, **__: found)
        return ["rejects", "list"]

    def faults_list(self) -> list[str]:
        return ["faults", "list"]

    def benchmark_show(self) -> list[str]:
        self.home.mkdir()
        benchmark_figures.write(self.home)
        return ["benchmark", "show"]

    def benchmark(self) -> list[str]:
        earlier = self.home.parent / "earlier.json"
        earlier.write_text(output.json_text(benchmark_figures.shuffled().document()))
        self.patch.setattr("clickstream.actions.benchmark.series.benchmark", lambda *_: benchmark_figures.shuffled())
        return ["benchmark", "--yes", "--compare", str(earlier)]

    def data_info(self) -> list[str]:
        path = self.home.parent / "events.csv"
        path.write_text("timestamp,visitorid,event,itemid,transactionid\n" + "1430622004384,1,view,10,\n" * 3 + "x\n")
        found = replace(describe(path), rows=BIG, bytes=BIG, kinds=dict.fromkeys(("view", "addtocart"), BIG))
        self.patch.setattr("clickstream.actions.data.info.describe", lambda _: found)
        return ["data", "info"]


COMMANDS: dict[str, tuple[Callable[[Fake], list[str]], list[str]]] = {
    "stack status": (Fake.stack_status, ["server", "state", "address", "127.0.0.1:49152", "▲ backoff", "SIGKILL"]),
    "config check": (Fake.config_check, ["check", "state", "found", "✖ failed", IPV6, "3 min 20 s"]),
    "config show": (Fake.config_show, ["variable", "value", "KAFKA_EVENTS_TOPIC_PARTITIONS", HOST, IPV6[1:-6]]),
    "rejects list": (Fake.rejects_list, ["id", "reason", "p1@412103", "csv:20250529T115807Z-4201:1204"]),
    "faults list": (Fake.faults_list, ["fault", "fill-disk-postgresql", "what is done"]),
    "benchmark show": (Fake.benchmark_show, ["partitions", "events", "events/s", "verify", "ok"]),
    "benchmark": (Fake.benchmark, ["partitions", "events", "median", "verify", "to earlier", "DIFFERS"]),
    "data info": (Fake.data_info, ["file", "rows", "123,456,789", "visitors"]),
}

WIDTHS = (60, 80, 120)

OURS = {"…", "●", "▲", "◌", "✖", "not", "shown,", "see", "--json:"}
"""Words that only a terminal gets."""


@pytest.fixture
def draw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[str, int | None], str]:
    """A view's text at a width; None: without a terminal."""
    fake = Fake(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("CLICKSTREAM_HOME", str(fake.home))
    line: list[str] = []

    def draw(name: str, width: int | None) -> str:
        monkeypatch.setattr(output, "is_terminal", lambda: width is not None)
        monkeypatch.setenv("COLUMNS", str(width or 20))
        if name in VIEWS:
            output.write(VIEWS[name][0]())
        else:
            line[:] = line or COMMANDS[name][0](fake)
            clickstream(line)
        return capsys.readouterr().out

    return draw


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*VIEWS, *COMMANDS])
def test_it_fits_and_breaks_no_number_and_no_name(
    draw: Callable[[str, int | None], str], name: str, width: int
) -> None:
    whole, text = draw(name, None), draw(name, width)
    assert text
    assert [line for line in text.splitlines() if cell_len(line) > width] == []
    known = OURS | {part for word in whole.split() for part in _parts(word)}
    strange = [word for word in text.split() if word.rstrip(",:") not in known and word not in known]
    assert [word for word in strange if set(word) != {"─"} and not _is_excerpt(word, whole)] == []
    assert [line for line in text.splitlines() if UNIT_FIRST.match(line)] == []


UNIT_FIRST = re.compile(r"\s*(min|s|h|ms|%|[kMG]i?B?(/s)?|B)(\s|,|$)")


def _parts(word: str) -> Iterator[str]:
    """The word, and what a long one may become: parts that end with a comma or a slash."""
    yield from (word, word.rstrip(",:"))
    pieces = re.split(r"(?<=[/,])", word) if len(word) > output.LEAST_TEXT else []
    for begin in range(len(pieces)):
        yield from ("".join(pieces[begin:end]) for end in range(begin + 1, len(pieces) + 1))


def _is_excerpt(word: str, whole: str) -> bool:
    return word.endswith("…") and word[:-1] in whole


@pytest.mark.parametrize("name", [*VIEWS, *COMMANDS])
def test_at_60_columns_the_most_important_is_still_there(draw: Callable[[str, int | None], str], name: str) -> None:
    text = draw(name, 60)
    important = (VIEWS | COMMANDS)[name][1]
    assert [words for words in important if words not in text] == []


@pytest.mark.parametrize("name", [*VIEWS, *COMMANDS])
def test_without_a_terminal_nothing_is_dropped_or_wrapped(draw: Callable[[str, int | None], str], name: str) -> None:
    whole = draw(name, None)
    assert "not shown" not in whole
    assert "…" not in whole
    lines = len(whole.splitlines())
    wide = draw(name, 1_000)
    assert {*whole.split()} <= {*wide.split()}
    if name in VIEWS:
        blocks = VIEWS[name][0]()
        assert lines == sum(
            len(block.rows) + 1 + bool(block.title) if isinstance(block, Table) else 1 for block in blocks
        )


TABLE = Table(
    ("name", "first to go", "second", "note"),
    [("consumer-12", BIG, BIG, "it waits for 3 min 20 s"), ("b", 1, 2, "")],
    drop=("first to go", "second"),
    wrap=("note",),
)


def lines_at(width: int, *blocks: Block) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(output.renderable(blocks), crop=False)
    return caught.get().splitlines()


def test_columns_go_in_the_stated_order() -> None:
    shown = {width: [name for name in TABLE.headers if name in lines_at(width, TABLE)[0]] for width in (62, 61, 49, 48)}
    assert shown == {
        62: ["name", "first to go", "second", "note"],
        61: ["name", "second", "note"],
        49: ["name", "second", "note"],
        48: ["name", "note"],
    }


def test_what_is_left_out_is_said() -> None:
    assert lines_at(61, TABLE)[-1] == "not shown, see --json: first to go"
    assert "not shown" not in "".join(lines_at(80, TABLE))


def test_text_without_room_is_written_below() -> None:
    assert lines_at(30, TABLE) == [
        "name              second",
        "─" * 24,
        "consumer-12  123,456,789",
        "b                      2",
        "consumer-12: note it waits for",
        "3 min 20 s",
        "not shown, see --json: first",
        "to go",
    ]
    long = Table(("name", "note"), [("a", "x" * 40), ("b", "short")], wrap=("note",))
    assert [line.rstrip() for line in lines_at(42, long)] == [
        "name  note", "─" * 42, "a     …", "b     short", "a: note", "x" * 40,
    ]  # fmt: skip


def test_words_on_stderr_break_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    words = f"PostgreSQL at {IPV6[1:-6]} does not answer: `clickstream stack up` starts it\n  scp -p {'file ' * 20}"
    print_message(words)
    assert capsys.readouterr().err == f"{words}\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    print_message(words)
    assert capsys.readouterr().err.splitlines() == [
        "PostgreSQL at",
        IPV6[1:-6],
        "does not answer: `clickstream stack up`",
        "starts it",
        f"  scp -p {'file ' * 20}",
    ]


def test_watch_drops_figures_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("clickstream.actions.observe.watcher.Watcher", FakeWatcher)
    monkeypatch.setattr(FakeWatcher, "frames_to_give", (frame(),))
    assert clickstream(["watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("produced 61.2 k/s  stored 58.9 k/s")
    assert max(map(len, lines)) <= 60


def test_an_excerpt_is_cut() -> None:
    assert lines_at(27, Table(("id", "payload"), [("p1@1", '{"a": 1234567890}' * 9)], cut=("payload",)))[2] == (
        'p1@1  {"a": 1234567890}{"a…'
    )


def test_a_list_of_names_breaks_between_them() -> None:
    assert fitting.wrapped("hosts  broker-1:9092,broker-2:9092", 24) == [
        "hosts  broker-1:9092,",
        "       broker-2:9092",
    ]


def test_a_table_that_is_drawn_again_keeps_its_columns() -> None:
    console = Console(width=24, force_terminal=True, color_system=None)

    def drawn(value: str) -> str:
        with console.capture() as caught:
            console.print(output.renderable([Table(("name", "in", "out"), [("a", value, "1")], drop=("in",))]))
        return caught.get().splitlines()[0].rstrip()

    assert [drawn(value) for value in ("1 s", "12 h 5 min and more", "1 s")] == [
        "name   in  out",
        "name  out",
        "name  out",
    ]


def test_a_screen_that_is_too_low_loses_empty_lines_first() -> None:
    console = Console(width=40, height=6, force_terminal=True, color_system=None)
    with console.capture():
        console.set_alt_screen()

    def drawn(*words: str) -> list[str]:
        with console.capture() as caught:
            console.print(output.renderable([TextLine(word) for word in words]))
        return caught.get().splitlines()

    assert drawn("a", "", "b", "", "c", "end") == ["a", "", "b", "", "c", "end"]
    assert drawn("a", "", "b", "", "c", "d", "e", "end") == ["a", "b", "c", "d", "e", "end"]
    assert drawn("a", "", "b", "", "c", "d", "e", "f", "end") == ["a", "b", "c", "d", "…", "end"]


@given(
    st.lists(st.from_regex(r"[a-z0-9]{1,30}|\d{1,3}(,\d{3}){1,3}|\d{1,3} (s|kB|%)", fullmatch=True)),
    st.integers(32, 90),
)
def test_wrapped_lines_hold_the_same_words(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = fitting.wrapped(text, width)
    assert " ".join(line.strip() for line in lines).split() == text.split()
    assert all(len(line) <= width for line in lines)
    assert not any(re.match(r"(s|kB|%)( |$)", line.strip()) for line in lines[1:] if "s" not in words)
